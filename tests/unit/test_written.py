"""What was written is known by table, and where it can't be told, it may be any."""

from __future__ import annotations

import pytest

from projections.engine.written import Written


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("INSERT INTO keyledger.usage_batch_v1 (batch) VALUES (1)", {"keyledger.usage_batch_v1"}),
        ("-- A comment.\ninsert into TABLE tensorzero.ChatInference SELECT 1", {"tensorzero.ChatInference"}),
        ("SELECT 1", set()),
        ("-- A comment.\n  with 1 AS one SELECT one", set()),
        ("ALTER TABLE keyledger.usage_batch_v1 DELETE WHERE true", {"any"}),
        ("EXCHANGE TABLES a.b AND c.d", {"any"}),
        ("SELECT 1; INSERT INTO keyledger.usage_batch_v1 SELECT 1", {"any"}),
        ("SELECT 1;\n", set()),
        ("INSERT INTO FUNCTION file('x') SELECT 1", {"FUNCTION"}),
    ],
)
def test_a_statement_counts_for_the_table_that_it_writes(statement: str, tables: set[str]) -> None:
    written = Written()
    written.add_statement(statement)
    assert written.times("keyledger.other_v1") == ("any" in tables)
    for table in tables - {"any"}:
        assert written.times(table) == 1
