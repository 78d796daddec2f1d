-- The table's definition, for a comparison with what the sync needs. No row if there is no table. `identity` identifies
-- this very table: a recreated or different table has another one.
SELECT
    class.oid || '/' || (SELECT oid FROM pg_database WHERE datname = current_database()) AS identity,
    (
        SELECT jsonb_object_agg(attname, format_type(atttypid, atttypmod))
        FROM pg_attribute
        WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped
    )::text AS types,
    (
        SELECT array_agg(attname::text ORDER BY attnum)
        FROM pg_attribute
        WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped AND attnotnull AND NOT atthasdef
            AND attidentity = '' AND attgenerated = ''
    ) AS required,
    current_setting('server_encoding') AS encoding,
    EXISTS (
        SELECT 1
        FROM pg_index
        WHERE indrelid = class.oid AND indisunique AND indisvalid AND indpred IS NULL AND indnkeyatts = 1
            AND pg_get_indexdef(indexrelid, 1, TRUE) = 'public_id'
    ) AS is_unique,
    has_table_privilege(class.oid, 'SELECT')
        AND has_table_privilege(class.oid, 'INSERT')
        AND has_table_privilege(class.oid, 'UPDATE')
        AND NOT EXISTS (
            SELECT 1
            FROM pg_depend
            JOIN pg_class AS sequence ON sequence.oid = pg_depend.objid
            WHERE pg_depend.refclassid = 'pg_class'::regclass AND pg_depend.refobjid = class.oid
                AND pg_depend.classid = 'pg_class'::regclass AND pg_depend.deptype = 'a'
                -- Indexes depend on the table in the same way, but checking a sequence privilege on an index is an
                -- error.
                AND CASE WHEN sequence.relkind = 'S' THEN NOT has_sequence_privilege(sequence.oid, 'USAGE') END
        ) AS is_allowed
FROM pg_class AS class
JOIN pg_namespace ON pg_namespace.oid = class.relnamespace
WHERE
    '"' || pg_namespace.nspname || '"' = '{{schema}}'
    AND class.relname = 'tensorzero_auth_api_key'
    AND class.relkind IN ('r', 'p')
