LEFT JOIN (
    SELECT
        {{tag_points}}
        public_id
    FROM {{tag_changes}}
    WHERE tag IN {{tags}}
        AND position <= {{position}}
        AND effective_ms <= {{since_ms}}
        AND {{standing}}
    GROUP BY public_id
) AS t ON t.public_id = c.public_id
