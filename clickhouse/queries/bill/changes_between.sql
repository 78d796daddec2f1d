-- How many changes of what holds when the log has after a position, up to another.
SELECT sum(changes)
FROM (
    SELECT count() AS changes
    FROM {{database}}.key_life_v1
    WHERE position > {after:UInt64}
        AND position <= {{position}}
    UNION ALL
    SELECT count() AS changes
    FROM {{database}}.key_credential_v1
    WHERE position > {after:UInt64}
        AND position <= {{position}}
    UNION ALL
    SELECT count() AS changes
    FROM {{tag_changes}}
    WHERE position > {after:UInt64}
        AND position <= {{position}}
    UNION ALL
    SELECT count() AS changes
    FROM {{price_changes}}
    WHERE position > {after:UInt64}
        AND position <= {{position}}
)
