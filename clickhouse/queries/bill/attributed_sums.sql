-- Entries with what decides their bill, summed where that is exact: where nothing of a credential changes within the
-- period, by credential and all else that a bill looks at; one by one where something does.
SELECT
    {{sum_columns}},
    {{tag_names}}
    CAST(
        multiIf(
            u.state != 'attributed', toInt8(u.state),
            NOT t.known, 5,
            NOT t.alive, 6,
            7
        ),
        '{{buckets}}'
    ) AS bucket
FROM (
    SELECT
        {{sums}}
    FROM ({{entries}}) AS e
    WHERE credential_id NOT IN ({{moving}})
    GROUP BY
        {{dimensions}}
) AS u
LEFT JOIN ({{steady}}) AS t ON t.credential_id = u.credential_id
UNION ALL
SELECT
    {{entry_columns}},
    {{tag_names}}
    bucket
FROM ({{attributed}}) AS u
