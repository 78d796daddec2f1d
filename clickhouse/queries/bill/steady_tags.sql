LEFT JOIN (
    SELECT
        public_id,
        {{tag_points}}
        count() AS changes
    FROM {{database}}.key_tag_change_v1
    WHERE tag IN {{tags}}
        AND position <= {{position}}
        AND effective_ms <= {{since_ms}}
    GROUP BY public_id
) AS t ON t.public_id = c.public_id
