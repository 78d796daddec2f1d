-- How many inferences of a time have a row, without those of batches, whose rows come when somebody polls them.
SELECT uniqExact(number)
FROM {{database}}.inference_row
WHERE
    at_ms >= {since_ms:Int64}
    AND at_ms < {until_ms:Int64}
    AND number NOT IN (
        SELECT number
        FROM {{database}}.batch_inference
    )
