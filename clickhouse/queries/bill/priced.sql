-- Parts of a bill with the price of each: the first that fits.
SELECT
    x.*,
    arrayFirst(
        p -> x.has_model
            AND p.from_ms <= x.rate_ms
            AND x.rate_ms < p.until_ms
            AND (p.provider = '' OR p.provider = x.rate_provider)
            AND arrayAll((wanted, has) -> wanted = '' OR wanted = has, p.tags, {{rate_tags}}),
        arrayConcat(n.prices, of_any_model)             -- a named model before any
    ) AS price
FROM ({{parts}}) AS x
LEFT JOIN (
    SELECT
        model,
        groupArray(price) AS prices
    FROM ({{prices}})
    WHERE model != '*'
    GROUP BY model
) AS n ON n.model = x.rate_model
