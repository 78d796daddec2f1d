"""What `unload` takes back leaves the bills, by entries that reverse others: what was known before stays known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from keyledger.embedded.load import settle
from projections.errors import ClickHouseRefused
from projections.usage.journal.state import Journal
from tests.support.journal_books import assert_as_fresh, books
from tests.support.loading import ID, MODEL_ROW, Loading, json_lines


def rows(*numbers: int, **changed: Any) -> list[dict[str, Any]]:
    """Model rows of these numbers."""
    return [{**MODEL_ROW, "id": ID.format(number), **changed} for number in numbers]


async def test_an_unload_reverses_entries_and_what_was_known_before_stays(loading: Loading, tmp_path: Path) -> None:
    world = loading.world
    await loading.load("ModelInference", json_lines(tmp_path / "1.jsonl", *rows(1)), "kept")
    await loading.load("ModelInference", json_lines(tmp_path / "2.jsonl", *rows(2, 3)), "gone")
    then = (await Journal(world.clickhouse, world.names).pinned()).batch
    before = await books(world.clickhouse, world.names)
    await loading.unload("gone")
    await assert_as_fresh(world.clickhouse, world.names)
    assert await books(world.clickhouse, world.names) != before
    assert await books(world.clickhouse, world.names, then) == before
    await loading.load("ModelInference", tmp_path / "2.jsonl", "again")
    assert await books(world.clickhouse, world.names) == before


async def test_a_row_that_still_stands_by_another_load_stays_in_the_bill(loading: Loading, tmp_path: Path) -> None:
    """The two differ in a column that decides no bill, so the journal has them as one."""
    await loading.load("ModelInference", json_lines(tmp_path / "1.jsonl", *rows(1)), "kept")
    other = json_lines(tmp_path / "2.jsonl", *rows(1, raw_response="other"))
    assert (await loading.found("ModelInference", other, "gone")).new == 1
    before = await books(loading.world.clickhouse, loading.world.names)
    assert await loading.unload("gone") == {"ModelInference": 1}
    assert await books(loading.world.clickhouse, loading.world.names) == before != []


@pytest.mark.parametrize("after", [False, True], ids=["before it is noted", "after it is noted"])
async def test_an_unload_killed_between_the_rows_and_the_journal_is_ended_at_the_next_start(
    loading: Loading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    world = loading.world
    await loading.load("ModelInference", json_lines(tmp_path / "1.jsonl", *rows(1)), "kept")
    before = await books(world.clickhouse, world.names)
    await loading.load("ModelInference", json_lines(tmp_path / "2.jsonl", *rows(2, 3)), "gone")
    insert_select = world.clickhouse.insert_select

    async def killed(table: str, *rest: Any, **options: Any) -> None:
        gone = table.endswith("usage_gone_v1")
        if not gone or after:
            await insert_select(table, *rest, **options)
        if gone:
            raise ClickHouseRefused("killed")

    monkeypatch.setattr(world.clickhouse, "insert_select", killed)
    with pytest.raises(ClickHouseRefused):
        await loading.unload("gone")
    monkeypatch.undo()
    await settle(loading.engine)
    assert await books(world.clickhouse, world.names) == before
    await assert_as_fresh(world.clickhouse, world.names)
    assert await loading.batches() == ["kept"]
