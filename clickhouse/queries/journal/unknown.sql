-- Where a merge has put rows that were taken into one part with new ones: only the new ones.
WHERE (number, toString(kind), row_id, fingerprint) NOT IN (
    SELECT
        number,
        toString(kind),
        id,
        fingerprint
    FROM {{journal}}.usage_row_v1
    WHERE number IN (SELECT number FROM ({{rows}}))
        AND number NOT IN (SELECT number FROM {{journal}}.usage_gone_v1)
)
