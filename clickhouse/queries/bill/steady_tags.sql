LEFT JOIN (
    SELECT
        public_id,
        {{tag_points}}
        max(effective_ms > {{since_ms}}) AS moving
    FROM {{tag_changes}}
    WHERE tag IN {{tags}}
        AND position <= {{position}}
        AND effective_ms < {{until_ms}}
    GROUP BY public_id
) AS t ON t.public_id = c.public_id
