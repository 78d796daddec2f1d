-- An index that a broken build left behind: it costs every write and serves no look-up.
DROP INDEX CONCURRENTLY IF EXISTS {{schema}}.keyledger_public_id_text
