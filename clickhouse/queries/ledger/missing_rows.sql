-- By how many rows each table of the ledger is short of what was written up to the applied position. Duplicates count
-- once. An event without a tally was written by an older version, or its tally is gone: it may lack anything.
WITH (SELECT position FROM {{database}}.applied_position) AS applied
SELECT
    applied - (
        SELECT uniqExact(position)
        FROM {{database}}.event_applied_v1
        WHERE position <= applied
    ) AS event_applied,
    applied - tally.1 AS ledger_tally,
    tally.2 - (
        SELECT count()
        FROM {{database}}.key_tag_change_v1 FINAL
        WHERE position <= applied
    ) AS key_tag_change,
    tally.3 - (
        SELECT count()
        FROM {{database}}.key_life_v1 FINAL
        WHERE position <= applied
    ) AS key_life,
    tally.4 - (
        SELECT count()
        FROM {{database}}.key_credential_v1 FINAL
        WHERE position <= applied
    ) AS key_credential,
    tally.5 - (
        SELECT count()
        FROM {{database}}.usage_anchor_v1 FINAL
        WHERE position <= applied
    ) AS usage_anchor,
    tally.6 - (
        SELECT count()
        FROM {{database}}.usage_anchor_day_v1 FINAL
        WHERE position <= applied
    ) AS usage_anchor_day,
    tally.7 - (
        SELECT count()
        FROM {{database}}.price_change_v1 FINAL
        WHERE position <= applied
    ) AS price_change
FROM (
    SELECT (
        count(),
        sum(tag_changes),
        sum(life),
        sum(credentials),
        sum(usage_anchors),
        sum(usage_anchor_days),
        sum(price_changes)
    ) AS tally
    FROM {{database}}.ledger_tally_v2 FINAL
    WHERE position <= applied
)
