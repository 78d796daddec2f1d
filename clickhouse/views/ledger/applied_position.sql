-- The contiguous frontier 1, 2, 3 … of event_applied along which each event names the hash of the one before, in one
-- log. Always one row; position 0 if nothing is applied. Nothing after it is ever billed. An open dead letter that
-- claims to be of a log holds the frontier where it was when the record was found. The derivation starts from the last
-- checkpoint that still matches the table. If newer rows contradict anything below a checkpoint, no checkpoint counts
-- and the whole chain is read.
CREATE OR REPLACE VIEW {{database}}.applied_position{{on_cluster}} AS
WITH
    (
        SELECT ifNull(minOrNull(held_position), 18446744073709551615)
        FROM {{database}}.dead_letter
        WHERE status = 'open'
    ) AS ceiling,
    (
        SELECT max((position, hash, log_id, recorded_at, checked_at))
        FROM {{database}}.applied_checkpoint_v1
        WHERE position <= ceiling AND (position, hash, log_id) IN (
            SELECT
                position,
                hash,
                log_id
            FROM {{database}}.event_applied_v1
            WHERE position IN (SELECT position FROM {{database}}.applied_checkpoint_v1)
        )
    ) AS latest,
    (
        SELECT count()
        FROM (
            SELECT position
            FROM {{database}}.event_applied_v1
            WHERE position IN (
                SELECT position
                FROM {{database}}.event_applied_v1
                WHERE position <= latest.1
                    AND applied_at >= latest.5 - INTERVAL {{clocks_apart_s}} SECOND
            )
            GROUP BY position
            HAVING uniqExact(log_id, previous_hash, hash) > 1
        )
    ) AS contradictions,
    if(contradictions = 0, latest, (0, '', '', latest.4, latest.5)) AS start
SELECT
    position,
    hash,
    log_id,
    recorded_at
FROM (
    SELECT
        position,
        hash,
        log_id,
        recorded_at,
        sum(broken) OVER (ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS breaks
    FROM (
        SELECT
            position,
            hash,
            log_id,
            recorded_at,
            position > start.1 AND NOT (
                single                                                -- only one event claims the position
                AND position = lagInFrame(position) OVER chain + 1    -- no hole
                AND (
                    position = 1
                    OR (
                        previous_hash = lagInFrame(hash) OVER chain   -- the event before is the one it names
                        AND log_id = lagInFrame(log_id) OVER chain
                    )
                )
            ) AS broken
        FROM (
            SELECT
                start.1 AS position,
                '' AS previous_hash,
                start.2 AS hash,
                start.3 AS log_id,
                start.4 AS recorded_at,
                true AS single
            UNION ALL
            SELECT
                e.position AS position,
                min(e.previous_hash) AS previous_hash,
                min(e.hash) AS hash,
                min(e.log_id) AS log_id,
                min(e.recorded_at) AS recorded_at,
                uniqExact(e.log_id, e.previous_hash, e.hash) = 1 AS single
            FROM {{database}}.event_applied_v1 AS e
            WHERE e.position > start.1 AND e.position <= ceiling
            GROUP BY e.position
        )
        WINDOW chain AS (ORDER BY position ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
    )
)
WHERE breaks = 0
ORDER BY position DESC
LIMIT 1
