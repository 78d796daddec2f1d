-- The latest time of any inference that the gateway has written, but for those dated after now; NULL if there is none.
SELECT maxOrNullIf(at_ms, at_ms >= 0 AND at_ms <= {now_ms:Int64})
FROM {{database}}.inference_row
