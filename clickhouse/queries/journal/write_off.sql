-- Note rows in force that the gateway's tables have no longer. They are compared by all that decides a bill.
INSERT INTO {{journal}}.usage_gone_v1 (take, number, kind, id, fingerprint)
SELECT DISTINCT
    {take:UInt64},
    number,
    kind,
    id,
    fingerprint
FROM ({{rows}})
WHERE (number, toString(kind), id, fingerprint) NOT IN (
    SELECT
        number,
        kind,
        row_id,
        fingerprint
    FROM ({{there}})
)
