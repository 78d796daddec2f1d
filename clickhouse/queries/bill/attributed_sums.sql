-- Entries with what decides their bill, summed where that is exact: where nothing of a credential changes within the
-- period, by credential and all else that a bill looks at; one by one where something does.
SELECT
    {{sum_columns}},
    {{tag_names}}
    CAST(multiIf(NOT t.known, 5, NOT t.alive, 6, 7), '{{buckets}}') AS bucket
FROM (
    SELECT
        e.credential_id AS credential_id,
        {{sums}}
    FROM ({{entries}}) AS e
    WHERE e.state = 'attributed'
        AND e.credential_id NOT IN ({{moving}})
    GROUP BY
        e.credential_id{{dimensions}}
) AS u
LEFT JOIN ({{steady}}) AS t ON t.credential_id = u.credential_id
UNION ALL
SELECT
    {{sum_columns}},
    {{no_tags}}
    CAST(toInt8(u.state), '{{buckets}}') AS bucket
FROM (
    SELECT
        e.state AS state,
        {{sums}}
    FROM ({{entries}}) AS e
    WHERE e.state != 'attributed'
    GROUP BY
        e.state{{dimensions}}
) AS u
UNION ALL
SELECT
    {{entry_columns}},
    {{tag_names}}
    bucket
FROM ({{attributed}}) AS u
WHERE u.state = 'attributed'
