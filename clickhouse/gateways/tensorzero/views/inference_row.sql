-- The gateway's inference rows as they came, duplicates and all: the id, its instant, and what matters to a bill.
-- `rank` orders rows as (function_name, tags sorted by name) do, and holds both: the greatest row of an id wins, and
-- strings compare fast where tuples with maps do not. A NUL inside a text is written 00 01, so that 00 00 ends a text
-- and is in none. A tag is 01 name 00 00 02 value 00 00.
CREATE OR REPLACE VIEW {{database}}.inference_row{{on_cluster}} AS
SELECT
    source,                                                         -- the table, for people who look for the row
    id,
    toUInt128(id) AS number,
    {{at_ms}} AS at_ms,
    function_name,
    tags['tensorzero::api_key_public_id'] AS credential_id,         -- the gateway's own word; '' without a key
    mapFilter((name, value) -> NOT startsWith(name, 'tensorzero::'), tags) AS claimed_tags,
    concat(
        replaceAll(function_name, '\0', '\0\x01'),
        '\0\0',
        arrayStringConcat(
            arrayMap(
                (name, value) -> concat(
                    '\x01', replaceAll(name, '\0', '\0\x01'), '\0\0',
                    '\x02', replaceAll(value, '\0', '\0\x01'), '\0\0'
                ),
                mapKeys(mapSort(tags) AS sorted),
                mapValues(sorted)
            )
        )
    ) AS rank
FROM (
    SELECT
        'ChatInference' AS source,
        id,
        function_name,
        tags
    FROM {{gateway}}.ChatInference
    UNION ALL
    SELECT
        'JsonInference' AS source,
        id,
        function_name,
        tags
    FROM {{gateway}}.JsonInference
)
