(
    -- The changes of prices as if more events of one price were the last of the log. What it has at the very instants
    -- gives way to them, as it would to later events.
    SELECT
        price_id,
        effective_ms,
        position,
        toString(kind) AS kind,
        model,
        provider,
        tags,
        toString(currency) AS currency,
        input,
        output,
        cache_read,
        cache_write,
        cached_input,
        cached_output,
        per_inference,
        cost_multiplier
    FROM {{database}}.price_change_v1
    WHERE NOT (price_id = {if_price_id:String} AND effective_ms IN {if_effective_ms:Array(Int64)})
    UNION ALL
    SELECT
        {if_price_id:String} AS price_id,
        change.1 AS effective_ms,
        {{position}} AS position,
        change.2 AS kind,
        {if_model:String} AS model,
        nullIf({if_provider:String}, '') AS provider,   -- '': any
        mapFromArrays({if_tags:Array(String)}, {if_values:Array(String)}) AS tags,
        change.3 AS currency,
        -- '' is no amount: NULL.
        toDecimal128OrNull(change.4[1], 18) AS input,
        toDecimal128OrNull(change.4[2], 18) AS output,
        toDecimal128OrNull(change.4[3], 18) AS cache_read,
        toDecimal128OrNull(change.4[4], 18) AS cache_write,
        toDecimal128OrNull(change.4[5], 18) AS cached_input,
        toDecimal128OrNull(change.4[6], 18) AS cached_output,
        toDecimal128OrNull(change.4[7], 18) AS per_inference,
        toDecimal128OrNull(change.4[8], 18) AS cost_multiplier
    FROM (
        SELECT
            arrayJoin(
                arrayZip(
                    {if_effective_ms:Array(Int64)},
                    {if_kinds:Array(String)},
                    {if_currencies:Array(String)},
                    {if_amounts:Array(Array(String))}
                )
            ) AS change
    )
)
