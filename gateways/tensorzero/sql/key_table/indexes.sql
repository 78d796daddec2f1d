-- The indexes that can serve the gateway's lookup, no matter who created them: on the id as text, or on the hash.
SELECT
    index_class.relname AS name,
    pg_index.indisvalid AND pg_index.indisready AS valid,
    EXISTS (
        SELECT 1
        FROM pg_stat_progress_create_index AS progress
        WHERE progress.datname = current_database() AND progress.index_relid = index_class.oid
    ) AS being_built
FROM pg_index
JOIN pg_class AS index_class ON index_class.oid = pg_index.indexrelid
JOIN pg_am ON pg_am.oid = index_class.relam
WHERE
    pg_index.indrelid = to_regclass('{{schema}}.tensorzero_auth_api_key')
    AND pg_index.indpred IS NULL
    AND pg_am.amname IN ('btree', 'hash')
    AND pg_get_indexdef(pg_index.indexrelid, 1, TRUE) IN ('(public_id::text)', 'public_id::text', 'hash')
