-- An index left behind by a failed build: it slows every write and serves no lookup.
DROP INDEX CONCURRENTLY IF EXISTS {{schema}}.keyledger_public_id_text
