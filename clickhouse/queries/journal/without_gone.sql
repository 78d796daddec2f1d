LEFT JOIN (
    SELECT
        w.number AS number,
        w.kind AS kind,
        w.id AS id,
        w.fingerprint AS fingerprint,
        max(w.take) AS before
    FROM {{journal}}.usage_gone_v1 AS w
    WHERE w.take <= {{take}}
    GROUP BY
        w.number,
        w.kind,
        w.id,
        w.fingerprint
) AS g
    ON g.number = r.number
    AND g.kind = r.kind
    AND g.id = r.id
    AND g.fingerprint = r.fingerprint
