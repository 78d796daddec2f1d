-- Claims of clients that contradict their key, by everything that is applied: what was claimed, and what the key had at
-- the inference's time, which is what is billed (NULL: the key did not have the tag). Only names that some key has or
-- had as a tag count: clients' own notes under other names contradict nothing.
CREATE OR REPLACE VIEW {{database}}.tag_conflict{{on_cluster}} AS
SELECT
    u.inference_id AS inference_id,
    fromUnixTimestamp64Milli(u.at_ms, 'UTC') AS at,
    u.public_id AS public_id,
    u.tag AS tag,
    u.claimed AS claimed,
    t.value AS actual
FROM (
    SELECT
        i.inference_id AS inference_id,
        i.at_ms AS at_ms,
        c.public_id AS public_id,
        i.tag AS tag,
        i.claimed AS claimed
    FROM (
        SELECT
            inference_id,
            toUnixTimestamp64Milli(assumeNotNull(at)) AS at_ms,
            credential_id,
            tag,
            claimed
        FROM {{database}}.inference
        ARRAY JOIN
            mapKeys(claimed_tags) AS tag,
            mapValues(claimed_tags) AS claimed
        WHERE at IS NOT NULL
            -- Those with any such claim, before deduplication.
            AND inference_id IN (
                SELECT r.id
                FROM {{database}}.inference_row AS r
                ARRAY JOIN mapKeys(r.claimed_tags) AS name
                WHERE name IN (
{{bound}})
            )
            AND tag IN (
{{bound}})
            -- For a batch, the gateway does not vouch for the key tag.
            AND toUInt128(inference_id) NOT IN (SELECT number FROM {{database}}.batch_inference)
    ) AS i
    INNER JOIN (
{{credentials}}) AS c ON c.credential_id = i.credential_id
) AS u
ASOF LEFT JOIN (
    SELECT
        k.public_id AS public_id,
        k.tag AS tag,
        k.effective_ms AS from_ms,
        -- At equal times the higher position wins. In a tuple: alone, argMax would skip the NULL of a removal.
        argMax(tuple(k.value), k.position).1 AS value
    FROM (
        SELECT *
        FROM {{database}}.key_tag_change_v1
        WHERE position <= {{position}}
            AND {{standing}}
    ) AS k
    GROUP BY
        k.public_id,
        k.tag,
        k.effective_ms
) AS t
    ON t.public_id = u.public_id
    AND t.tag = u.tag
    AND t.from_ms <= u.at_ms                            -- in the very millisecond of an edit, the edit counts
WHERE ifNull(t.value != u.claimed, true)
