-- Complete tag maps of keys by half-open intervals, as known at a position. A key has a boundary at its creation and
-- wherever one of its tags changed. Each value of a tag is spread over the boundaries for which it holds, so the work
-- is proportional to the result, one map per boundary, and not to all edits times all boundaries.
SELECT
    public_id,
    valid_from_ms,
    leadInFrame(toNullable(valid_from_ms)) OVER (
        PARTITION BY public_id
        ORDER BY boundary
        ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING
    ) AS valid_until_ms,                                            -- NULL: until further notice
    opened_by,
    tags
FROM (
    SELECT
        s.public_id AS public_id,
        s.boundary AS boundary,
        maxIf(s.effective_ms, s.at_boundary) AS valid_from_ms,
        maxIf(s.position, s.at_boundary) AS opened_by,              -- the last event that took effect at this time
        mapFromArrays(
            arrayMap(pair -> pair.1, arraySort(groupArrayIf((s.tag, s.value), s.holds)) AS pairs),
            arrayMap(pair -> pair.2, pairs)
        ) AS tags
    FROM (
        SELECT
            i.public_id AS public_id,
            i.effective_ms AS effective_ms,
            i.position AS position,
            i.tag AS tag,
            ifNull(i.value, '') AS value,
            i.value IS NOT NULL AS holds,                           -- not removed, and not only the creation
            arrayJoin(
                range(
                    i.boundary,
                    if(holds, if(i.next_boundary = 0, i.boundaries + 1, i.next_boundary), i.boundary + 1)
                )
            ) AS boundary,
            boundary = i.boundary AS at_boundary
        FROM (
            SELECT
                public_id,
                effective_ms,
                position,
                tag,
                value,
                boundary,
                leadInFrame(boundary) OVER (
                    PARTITION BY
                        public_id,
                        tag
                    ORDER BY boundary
                    ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING
                ) AS next_boundary,                                 -- 0: none
                max(boundary) OVER (PARTITION BY public_id) AS boundaries
            FROM (
                SELECT
                    public_id,
                    effective_ms,
                    position,
                    tag,
                    value,
                    dense_rank() OVER (PARTITION BY public_id ORDER BY effective_ms) AS boundary
                FROM (
                    SELECT
                        c.public_id AS public_id,
                        c.effective_ms AS effective_ms,
                        c.tag AS tag,
                        max(c.position) AS position,
                        -- At equal times the higher position wins. In a tuple, because argMax alone would skip the NULL
                        -- of a removal and bring the removed value back.
                        argMax(tuple(c.value), c.position).1 AS value
                    FROM (
                        SELECT *
                        FROM {{database}}.key_tag_change_v1
                        WHERE position <= {{position}}              -- only what was known by then
                            AND {{standing}}
                    ) AS c
                    GROUP BY
                        c.public_id,
                        c.effective_ms,
                        c.tag
                    UNION ALL
                    -- A key without tags has an empty map, which differs from an unknown key. '' is not a valid tag
                    -- name.
                    SELECT
                        l.public_id AS public_id,
                        min(l.effective_ms) AS effective_ms,
                        '' AS tag,
                        min(l.position) AS position,
                        CAST(NULL, 'Nullable(String)') AS value
                    FROM {{database}}.key_life_v1 AS l
                    WHERE l.kind = 'created'
                        AND l.position <= {{position}}              -- only what was known by then
                    GROUP BY l.public_id
                )
            )
        ) AS i
    ) AS s
    GROUP BY
        s.public_id,
        s.boundary
)
