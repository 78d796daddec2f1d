-- One row per inference, by everything that is applied and collected: its key, its bucket, what it used, and the tags
-- that its key had at its time (empty if no key is known).
CREATE OR REPLACE VIEW {{database}}.billable_usage{{on_cluster}} AS
SELECT
    reinterpretAsUUID(bitOr(bitShiftLeft(u.number, 64), bitShiftRight(u.number, 64))) AS inference_id,
    if(u.at_ms < 0, NULL, fromUnixTimestamp64Milli(u.at_ms, 'UTC')) AS at,      -- NULL: the id is not version 7
    u.public_id AS public_id,
    u.credential_id AS credential_id,
    u.bucket AS bucket,
    i.tags AS tags,
    c.claimed_tags AS claimed_tags,
    u.models AS models,
    u.input_tokens AS input_tokens,
    u.output_tokens AS output_tokens,
    u.cached_input_tokens AS cached_input_tokens,
    u.cached_output_tokens AS cached_output_tokens,
    u.cache_read_tokens AS cache_read_tokens,
    u.cache_write_tokens AS cache_write_tokens,
    u.cost_usd AS cost_usd,
    u.unpriced AS unpriced
FROM (
    SELECT
        a.number AS number,
        any(a.at_ms) AS at_ms,
        a.public_id AS public_id,
        a.credential_id AS credential_id,
        a.bucket AS bucket,
        -- With the number of entries of each that are left: a reversal takes one back.
        arrayMap(
            pair -> assumeNotNull(pair.1),
            arrayFilter(
                pair -> pair.2 > 0 AND pair.1 IS NOT NULL,
                arrayZip(sumMap([a.model_name], [toInt64(a.sign)]).1, sumMap([a.model_name], [toInt64(a.sign)]).2)
            )
        ) AS models,
        {{figures}}
    FROM (
{{attributed}}) AS a
    GROUP BY
        a.number,
        a.public_id,
        a.credential_id,
        a.bucket
    HAVING sum(a.sign) != 0                             -- else all was taken back
) AS u
LEFT JOIN (
{{claims}}) AS c
    ON c.number = u.number
ASOF LEFT JOIN (
{{intervals}}) AS i
    ON i.public_id = u.public_id
    AND i.valid_from_ms <= u.at_ms
