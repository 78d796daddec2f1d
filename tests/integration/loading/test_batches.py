"""A batch can be taken back: its rows leave and nothing else does, whatever is loaded with it, whatever is killed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from keyledger.embedded.load import LoadError, settle
from keyledger.embedded.load.batches import Batches, Step
from projections.errors import ClickHouseRefused, ClickHouseUnavailable
from projections.ledger.presence import Missing, Presence
from tests.support.bill_world import GATEWAY
from tests.support.gateway_files import real_rows, write_rows
from tests.support.loading import ID, MODEL_ROW, Loading, json_lines


def rows(*numbers: int, **changed: Any) -> list[dict[str, Any]]:
    """Model rows of these numbers."""
    return [{**MODEL_ROW, "id": ID.format(number), **changed} for number in numbers]


async def there(loading: Loading) -> list[str]:
    """The numbers of the model rows that are there."""
    return [str(one)[-1] for one in await loading.values("id")]


async def assert_all_is_there(loading: Loading) -> None:
    """No alarm, as the guard of the ledger looks."""
    assert await Presence(loading.world.clickhouse, loading.world.names).of_gateway() == Missing()


async def test_a_batch_of_several_tables_leaves_and_the_bill_is_as_before(loading: Loading, tmp_path: Path) -> None:
    first = write_rows(tmp_path / "first.jsonl", rows(1, 2))
    await loading.load("ModelInference", first, "kept")
    before = await loading.world.bill(group_by=("model",))
    await assert_all_is_there(loading)
    for table in GATEWAY:
        await loading.load(table, write_rows(tmp_path / f"{table}.jsonl", real_rows(table)), "real")
    await assert_all_is_there(loading)
    assert await loading.world.bill(group_by=("model",)) != before
    left = await loading.unload("real")
    assert left == {table: len(real_rows(table)) for table in GATEWAY}
    assert await loading.world.bill(group_by=("model",)) == before
    await assert_all_is_there(loading)
    assert await loading.batches() == ["kept"]
    with pytest.raises(LoadError, match="no such batch"):
        await loading.unload("real")


async def test_a_batch_without_a_name_takes_nothing_back(loading: Loading, tmp_path: Path) -> None:
    await loading.load("ModelInference", write_rows(tmp_path / "one.jsonl", rows(1)), "one")
    with pytest.raises(LoadError, match="a batch is named by"):
        await loading.unload("")
    assert await there(loading) == ["1"]


async def test_a_load_that_fails_after_its_rows_came_takes_them_back(
    loading: Loading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller reads that nothing was loaded."""
    step = Batches.step

    async def fails_once(self: Batches, loads: Iterable[UUID], to: Step) -> None:
        if to is Step.LOADED:
            raise ClickHouseUnavailable
        await step(self, loads, to)

    monkeypatch.setattr(Batches, "step", fails_once)
    with pytest.raises(ClickHouseUnavailable):
        await loading.load("ModelInference", write_rows(tmp_path / "one.jsonl", rows(1)), "one")
    assert (await there(loading), await loading.batches()) == ([], [])
    await assert_all_is_there(loading)


async def test_rows_that_two_batches_brought_leave_with_the_last_of_them(loading: Loading, tmp_path: Path) -> None:
    one, two = write_rows(tmp_path / "1.jsonl", rows(1, 2)), write_rows(tmp_path / "2.csv", rows(2, 3))
    await loading.load("ModelInference", one, "one")
    assert (await loading.found("ModelInference", two, "two")).new == 1
    assert await there(loading) == ["1", "2", "3"]
    assert await loading.unload("one") == {"ModelInference": 1}
    assert await there(loading) == ["2", "3"]
    assert await loading.unload("two") == {"ModelInference": 2}
    assert await there(loading) == []


async def test_what_was_there_before_the_batch_stays(loading: Loading, tmp_path: Path) -> None:
    """A gateway's own row, or one of a version without batches."""
    columns = "id, inference_id, model_name, model_provider_name, input_tokens, cost"
    values = "'{}', '{}', 'gpt', 'openai', 1, 0.1".format(ID.format(1), MODEL_ROW["inference_id"])
    await loading.world.clickhouse.command(
        f"INSERT INTO {loading.world.names.gateway}.ModelInference ({columns}) VALUES ({values})"
    )
    found = await loading.found("ModelInference", write_rows(tmp_path / "rows.jsonl", rows(1, 2)))
    assert (found.rows, found.new) == (2, 1)
    assert await loading.unload("batch") == {"ModelInference": 1}
    assert await there(loading) == ["1"]


async def test_a_batch_that_is_loaded_twice_is_there_once(loading: Loading, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "rows.jsonl", rows(1, 2))
    assert (await loading.found("ModelInference", file)).new == 2
    assert (await loading.found("ModelInference", file)).new == 0
    assert await there(loading) == ["1", "2"]
    assert await loading.unload("batch") == {"ModelInference": 2}
    assert (await loading.found("ModelInference", file)).new == 2  # and again, after it was taken back


async def test_a_row_of_the_same_id_with_another_value_is_another_row(loading: Loading, tmp_path: Path) -> None:
    await loading.load("ModelInference", write_rows(tmp_path / "1.jsonl", rows(1)), "right")
    found = await loading.found("ModelInference", write_rows(tmp_path / "2.jsonl", rows(1, cost="9")), "wrong")
    assert (found.new, found.differing) == (1, 1)
    bill = await loading.world.bill(since=datetime(2025, 1, 1, tzinfo=UTC))
    assert bill["usage"]["conflicting_duplicates"] == 1
    await loading.unload("wrong")
    assert await loading.values("toString(cost)") == ["0.1"]


async def test_a_merge_with_other_rows_keeps_a_batch_apart(loading: Loading, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        await loading.load("ModelInference", write_rows(tmp_path / f"{number}.csv", rows(number)), f"batch-{number}")
    await assert_all_is_there(loading)
    await loading.world.clickhouse.command(f"OPTIMIZE TABLE {loading.world.names.gateway}.ModelInference FINAL")
    await loading.unload("batch-2")
    assert await there(loading) == ["1", "3"]
    await assert_all_is_there(loading)


async def test_a_dry_run_says_what_a_file_has_and_loads_nothing(loading: Loading, tmp_path: Path) -> None:
    await loading.load("ModelInference", write_rows(tmp_path / "1.jsonl", rows(1)))
    bad = {**rows(3)[0], "inference_id": "9f0c3a52-6d0a-4f4e-9d3b-0123456789ab"}
    file = json_lines(tmp_path / "2.jsonl", *rows(1, 2), *rows(1, cost="9"), bad)
    found = await loading.found("ModelInference", file, dry_run=True)
    assert (found.rows, found.new, found.differing, found.without_time) == (4, 3, 1, 1)
    assert found.since == found.until
    assert found.since is not None
    assert found.since.year == 2025
    assert "cost" in found.columns
    assert await there(loading) == ["1"]
    assert await loading.batches() == ["batch"]


async def killed(*_: object, **__: object) -> None:
    """What stands where a kill comes: nothing after it is done."""
    raise ClickHouseRefused("killed")


@pytest.mark.parametrize(
    "statement", ["INSERT INTO {gateway}.load_row_v1", "ALTER TABLE {gateway}.ModelInference ATTACH"]
)
async def test_a_load_that_is_killed_is_taken_back_at_the_next_start(
    loading: Loading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    """After the statement, as a kill would have it: what was to follow does not."""
    world = loading.world
    await loading.load("ModelInference", write_rows(tmp_path / "1.jsonl", rows(1)), "kept")
    command = world.clickhouse.command
    begun = statement.format(gateway=world.names.gateway)

    async def until_killed(sql: str, *rest: Any, **options: Any) -> None:
        await command(sql, *rest, **options)
        if sql.startswith(begun):
            monkeypatch.setattr(world.clickhouse, "command", killed)

    monkeypatch.setattr(world.clickhouse, "command", until_killed)
    with pytest.raises((LoadError, ClickHouseRefused)):
        await loading.load("ModelInference", write_rows(tmp_path / "2.jsonl", rows(2)), "killed")
    monkeypatch.undo()
    await settle(loading.engine)
    assert await there(loading) == ["1"]
    assert await loading.batches() == ["kept"]
    await assert_all_is_there(loading)
    await loading.load("ModelInference", tmp_path / "2.jsonl", "again")
    assert await loading.unload("again") == {"ModelInference": 1}


@pytest.mark.parametrize("table", ["JsonInference", "ModelInference"])
async def test_an_unload_that_is_killed_is_ended_at_the_next_start_without_an_alarm(
    loading: Loading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    """After the rows of this table have left, and before those of the others."""
    world = loading.world
    await loading.load("ModelInference", write_rows(tmp_path / "1.jsonl", rows(1)), "kept")
    for name in GATEWAY:
        await loading.load(name, write_rows(tmp_path / f"{name}.jsonl", real_rows(name)), "real")
    await assert_all_is_there(loading)
    command = world.clickhouse.command

    async def until_killed(sql: str, *rest: Any, **options: Any) -> None:
        await command(sql, *rest, **options)
        if sql.startswith(f"ALTER TABLE {world.names.gateway}.{table} DELETE"):
            monkeypatch.setattr(world.clickhouse, "command", killed)

    monkeypatch.setattr(world.clickhouse, "command", until_killed)
    with pytest.raises(ClickHouseRefused):
        await loading.unload("real")
    monkeypatch.undo()
    await assert_all_is_there(loading)
    await settle(loading.engine)
    await assert_all_is_there(loading)
    assert await there(loading) == ["1"]
    assert await loading.batches() == ["kept"]
