-- The instant of the oldest row that one of the gateway's tables still has.
SELECT minOrNullIf({{own_ms}}, {{own_ms}} >= 0)
FROM ({{rows}})
