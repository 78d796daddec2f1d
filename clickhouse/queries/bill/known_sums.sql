-- What another journal had of some days, as the log had anchored it.
SELECT
    day,
    argMax(
        (
            rows,
            inferences,
            input_tokens,
            output_tokens,
            cached_input_tokens,
            cached_output_tokens,
            cost_usd,
            fingerprint
        ),
        (batch, position)
    ) AS sums
FROM {{database}}.usage_anchor_day_v1
WHERE source = {source:String}
    AND journal = {journal:UUID}
    AND position <= {anchored_by:UInt64}
    AND ((day >= {first_day:Int32} AND day <= {last_day:Int32}) OR day >= {now_day:Int32} OR day = -1)
GROUP BY day
