-- Model rows, one per id, of the inferences in [since_ms, until_ms) and of those whose inference id has no time. The
-- only place where model rows are deduplicated: the greatest row of an id wins.
CREATE OR REPLACE VIEW {{database}}.model_usage_between{{on_cluster}} AS
SELECT
    id,
    number,
    at_ms,
    replaceAll(texts[1], '\0\x01', '\0') AS model_name,
    replaceAll(texts[2], '\0\x01', '\0') AS model_provider_name,
    toUInt64(input_code - (input_code > 0)) AS input_tokens,    -- zero counts are NULL in the gateway's rows
    toUInt64(output_code - (output_code > 0)) AS output_tokens,
    toBool(bitAnd(bitShiftRight(low, 61), 1)) AS cached,
    toBool(cost_code = 0) AS unpriced,
    if(unpriced, toDecimal64(0, 9), reinterpret(toInt64(cost_code) - 1000000000000000000, 'Decimal(18, 9)')) AS cost_usd,
    reinterpretAsUInt128(sipHash128(concat(reinterpretAsFixedString(id), rank))) AS fingerprint,
    toBool(conflicting) AS conflicting
FROM (
    SELECT
        id,
        rank,
        conflicting,
        reinterpretAsUInt128(reverse(substring(rank, 1, 16))) AS number,
        {{at_ms}} AS at_ms,
        splitByString('\0\0', substring(rank, 17, length(rank) - 34)) AS texts,
        reinterpretAsUInt128(reverse(substring(rank, -16))) AS figures,
        toUInt64(figures) AS low,
        toUInt64(bitShiftRight(figures, 95)) AS input_code,
        toUInt64(bitAnd(bitShiftRight(figures, 62), 8589934591)) AS output_code,
        bitAnd(low, 2305843009213693951) AS cost_code
    FROM (
        SELECT
            r.id AS id,
            max(r.rank) AS rank,
            min(cityHash64(r.rank)) != max(cityHash64(r.rank)) AS conflicting
        FROM {{database}}.model_row AS r
        WHERE
            -- Every row of each id that has one in the period: the greatest may be outside. If most rows are in the
            -- period, it is cheaper to skip this filter.
            (
                SELECT countIf((at_ms >= {since_ms:Int64} AND at_ms < {until_ms:Int64}) OR at_ms < 0) * 4 >= count()
                FROM {{database}}.model_row
            )
            OR r.id IN (
                SELECT id
                FROM {{database}}.model_row
                WHERE (at_ms >= {since_ms:Int64} AND at_ms < {until_ms:Int64}) OR at_ms < 0
            )
        GROUP BY r.id
    )
    WHERE (at_ms >= {since_ms:Int64} AND at_ms < {until_ms:Int64}) OR at_ms < 0
)
