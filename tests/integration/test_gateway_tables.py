"""A gateway that writes elsewhere: what is said where its tables are missing, or there and empty."""

from __future__ import annotations

import pytest

from keyledger.cli.printing.after_now import warn_after_now
from keyledger.http.answer.encode import encode
from projections.engine import ddl
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.errors import ClickHouseRefused
from projections.usage.credential_use import read_use
from projections.usage.gateway_tables import read_usage, reason_of
from registry.instant import from_ms
from tests.support.bill_world import World, chat, instant, model, uuid7

NOON = instant("2026-03-01T12:00:00")


async def test_rows_and_the_latest_instant_are_told(world: World) -> None:
    first, last = uuid7(NOON, 1), uuid7(NOON + 7, 2)
    await world.serve([chat(first, "keyAAAAAAAA1"), chat(last, None, table="JsonInference"), model(first, last)])
    seen = await read_usage(world.clickhouse, world.names)
    assert seen.rows == {"ChatInference": 1, "JsonInference": 1, "ModelInference": 1, "BatchIdByInferenceId": 0}
    assert (seen.seen_until, seen.hint) == (from_ms(NOON + 7), None)


async def test_rows_dated_after_now_are_told_and_hide_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """An id of the year 2106 would else be what is seen until then, and the last use of its key."""
    ahead = uuid7(instant("2106-02-07T06:28:15"), 2)
    await world.serve([chat(uuid7(NOON, 1), "keyAAAAAAAA1"), chat(ahead, "keyAAAAAAAA1"), model(uuid7(NOON, 3), ahead)])
    seen = await read_usage(world.clickhouse, world.names)
    assert seen.seen_until == from_ms(NOON)
    assert encode(seen.after_now) == {"rows": 2, "latest": "2106-02-07T06:28:15.000Z"}
    use = await read_use(world.clickhouse, world.names, ["keyAAAAAAAA1"])
    assert (use.items[0].last_used_at, use.items[0].inferences, use.seen_until) == (from_ms(NOON), 1, from_ms(NOON))
    warn_after_now({"after_now": encode(seen.after_now)})
    assert "WARNING 2 usage rows are dated after now, until 2106-02-07" in capsys.readouterr().out


async def test_empty_tables_are_no_usage_or_a_gateway_that_writes_to_postgres(world: World) -> None:
    seen = await read_usage(world.clickhouse, world.names)
    assert seen.seen_until is None
    assert seen.hint is not None
    assert f"tables in {world.names.gateway} are empty" in seen.hint
    assert "TENSORZERO_CLICKHOUSE_URL" in seen.hint


async def test_what_refers_to_a_missing_table_of_the_gateway_says_which_and_what_to_do(world: World) -> None:
    await world.serve([chat(uuid7(NOON, 1), "keyAAAAAAAA1")])
    bill = await world.bill()
    await world.clickhouse.command(f"DROP TABLE {world.names.gateway}.JsonInference")
    await world.collect()
    assert await world.bill() == bill, "it is made of what was collected"
    with pytest.raises(ClickHouseRefused, match="UNKNOWN_TABLE") as refused:
        await world.select("SELECT count() FROM {gateway}.JsonInference")
    reason = await reason_of(world.clickhouse, world.names, refused.value)
    assert str(reason).startswith(f"ClickHouse has no {world.names.gateway}.JsonInference. The gateway makes them")
    assert "keyledger ddl --gateway-tables" in str(reason)
    seen = await read_usage(world.clickhouse, world.names)
    assert (seen.hint, seen.seen_until) == (str(reason), None)  # as status has it


async def test_another_missing_table_is_not_the_gateways(world: World) -> None:
    with pytest.raises(ClickHouseRefused) as refused:
        await world.select("SELECT * FROM {database}.no_such_table")
    assert await reason_of(world.clickhouse, world.names, refused.value) is None


async def test_the_views_are_made_before_the_gateways_tables(clickhouse: ClickHouse, names: Names) -> None:
    """They read the usage journal. A bill is empty until the gateway has started with its ClickHouse."""
    apart = Names(f"{names.database}_apart", f"{names.gateway}_apart")
    try:
        await ddl.apply(clickhouse, apart, gateway_tables=False, durable=False)
        world = World(clickhouse, apart)
        await world.collect()
        assert (await world.bill())["total"]["inferences"] == 0
    finally:
        await clickhouse.command(f"DROP DATABASE IF EXISTS {apart.database}")
