-- Which tags each key had and when, by everything that is applied.
CREATE OR REPLACE VIEW {{database}}.key_tag_interval{{on_cluster}} AS
SELECT
    public_id,
    valid_from,
    valid_until,
    tags
FROM {{database}}.key_tag_interval_known(known_at = 18446744073709551615)
