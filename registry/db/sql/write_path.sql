-- What an append needs of the database, and what it can't do without.
SELECT
    (SELECT version_num FROM keyledger.alembic_version) AS schema_version,
    pg_is_in_recovery() AS is_standby,
    -- Not `transaction_read_only`: a question may be asked in a transaction that reads alone.
    current_setting('default_transaction_read_only')::boolean AS is_read_only,
    has_table_privilege('keyledger.event', 'INSERT') AS may_insert
