-- Of rows of changes of tags known at a position: those that were not cancelled before they took effect. The rows without
-- a name are of cancellations, and name positions.
tag != ''
    AND position NOT IN (
        SELECT toUInt64(assumeNotNull(value))
        FROM {{database}}.key_tag_change_v1
        WHERE tag = ''
            AND position <= {{position}}
    )
