"""A start of the embedded engine writes only what differs: a full disk can't cut short what it does not write."""

from __future__ import annotations

import pytest

from projections.engine import ddl
from projections.engine.client import ClickHouse, Rows
from projections.engine.ddl import Names


@pytest.fixture
def embedded(clickhouse: ClickHouse) -> ClickHouse:
    """The engine in this process: on a server every statement is run."""
    if not clickhouse.embedded:
        pytest.skip("KEYLEDGER_TEST_CLICKHOUSE_URL names a server, where every view is replaced")
    return clickhouse


async def test_what_is_there_as_it_should_be_is_left_alone(embedded: ClickHouse, names: Names) -> None:
    before = await _views(embedded, names)
    assert before, "no view was found"
    await ddl.apply(embedded, names, gateway_tables=True, durable=False)
    assert await _views(embedded, names) == before


async def test_a_view_that_was_changed_is_replaced_with_those_that_may_read_it(
    embedded: ClickHouse, names: Names
) -> None:
    definition = "SELECT create_table_query FROM system.tables WHERE database = {database:String} AND name = 'key_life'"
    right = await embedded.query(definition, {"database": names.database})
    before: dict[str, str] = dict(await _views(embedded, names))
    await embedded.command(f"CREATE OR REPLACE VIEW {names.database}.key_life AS SELECT 1 AS position")
    await ddl.apply(embedded, names, gateway_tables=True, durable=False)
    after: dict[str, str] = dict(await _views(embedded, names))
    assert await embedded.query(definition, {"database": names.database}) == right
    assert after["applied_position"] == before["applied_position"]  # it is made before key_life
    assert after["bill"] != before["bill"]  # and this one after it


async def _views(clickhouse: ClickHouse, names: Names) -> Rows:
    """Each view with its identity, which another one of the name does not have."""
    found = "SELECT name, toString(uuid) FROM system.tables WHERE database = {database:String} AND engine = 'View'"
    return await clickhouse.query(f"{found} ORDER BY name", {"database": names.database})
