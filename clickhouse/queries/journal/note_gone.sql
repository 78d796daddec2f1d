-- Note the rows that the gateway has no longer, but for those that have expired there.
INSERT INTO {{journal}}.usage_gone_v1 (take, number, kind, id, fingerprint)
SELECT
    {take:UInt64},
    number,
    kind,
    id,
    fingerprint
FROM ({{rows_differing}})
WHERE NOT taken
    AND {{not_expired}}
