-- The latest time of any inference that the gateway has written; NULL if there is none.
SELECT maxOrNullIf(at_ms, at_ms >= 0)
FROM {{database}}.inference_row
