-- The applied position, and what follows it: a hole, two claims, an event that does not chain, or nothing.
WITH
    (
        SELECT (position, hash, log_id)
        FROM {{database}}.applied_position
    ) AS applied,
    (
        SELECT (
            uniqExactIf((log_id, previous_hash, hash), position = applied.1 + 1),
            countIf(position = applied.1 + 1 AND previous_hash = applied.2 AND log_id = applied.3) > 0,
            minOrDefault(position),
            maxOrDefault(position),
            if(count() = 0, 0., (toUnixTimestamp64Milli(now64(3)) - toUnixTimestamp64Milli(min(applied_at))) / 1000)
        )
        FROM {{database}}.event_applied_v1
        WHERE position > applied.1
    ) AS after
SELECT
    applied.1 AS position,
    applied.2 AS hash,
    applied.3 AS log_id,
    after.1 AS next_claims,
    applied.1 = 0 OR after.2 AS next_fits,      -- nothing in ClickHouse says what position 1 must chain to
    after.3 AS next_present,
    after.4 AS greatest,
    after.5 AS waiting_s,
    (
        SELECT anyOrDefault(failure)
        FROM {{database}}.projector_stop_v1 FINAL
        WHERE projector = 'clickhouse' AND position >= applied.1
    ) AS failure,
    (SELECT uniqExact(id) FROM {{database}}.redelivered_v1) AS redelivered,
    (SELECT maxOrDefault(position) FROM {{database}}.redelivered_v1) AS redelivered_position
