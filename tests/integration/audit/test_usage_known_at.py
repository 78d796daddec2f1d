"""With known_at and usage_known_at a bill never changes by a byte, and says so where it can't be what it was."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from keyledger.runtime.audit_sources import audit_sources
from registry.instant import parse_instant, to_ms
from tests.support.api.service import assert_problem
from tests.support.audit.archive_world import export_to, restore_into
from tests.support.audit.ledger_world import Ledger, open_ledger
from tests.support.audit.replay_world import ShadowWorld
from tests.support.bill_world import chat, instant, model, uuid7
from tests.support.servers.databases import Database

FIRST, SECOND = instant("2026-03-01T10:00:00.000"), instant("2026-03-02T10:00:00.000")
MARCH = {"since": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z"}
FUTURE = instant("2100-01-01T00:00:00.000")


def used(at_ms: int, serial: int, key: str = "k", **changes: Any) -> list[Any]:
    """An inference with one model row."""
    id_ = uuid7(at_ms, serial)
    return [chat(id_, key), model(uuid7(at_ms + 1, serial), id_, **changes)]


async def ask(ledger: Ledger, path: str, **params: Any) -> httpx.Response:
    """The answer about March to finance."""
    return await ledger.api.call("GET", f"/billing/{path}", params={**MARCH, **params})


async def bill(ledger: Ledger, **params: Any) -> dict[str, Any]:
    """The bill of March."""
    answer = await ask(ledger, "usage", **params)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def pinned(ledger: Ledger, position: int, **params: Any) -> bytes:
    """The bytes of the bill of March as known at a position."""
    both = {"known_at": position, "usage_known_at": position}
    answer = await ask(ledger, "usage", **both, **params)
    assert answer.status_code == 200, answer.text
    return answer.content


async def usage(ledger: Ledger, **params: Any) -> dict[str, Any]:
    """What a bill of March says of its usage."""
    made: dict[str, Any] = (await bill(ledger, **params))["usage"]
    return made


async def test_a_pinned_bill_keeps_its_bytes_whatever_comes_later(ledger: Ledger) -> None:
    """Late rows, rows that differ, edits of tags, rows dated after now and further anchors change no byte of it."""
    key = await ledger.api.make_key(tags={"customer_id": "acme"})
    id_, at = key["public_id"], to_ms(parse_instant(key["created_at"]))
    asked = {"group_by": "customer_id", "until": "2099-01-01T00:00:00Z"}
    ahead = [chat(uuid7(FUTURE, 1), "k")]
    await ledger.serve([*used(at, 1, id_), *used(SECOND, 2), *ahead])
    position = await ledger.anchor()
    before = await pinned(ledger, position, **asked)
    assert b'"acme"' in before

    await ledger.serve([*used(at, 3, id_), *used(at, 1, id_, input_tokens=9, cost=None), *ahead])
    later = await ledger.anchor()
    await ledger.api.patch(id_, {"tags": {"customer_id": "beta", "env": "prod"}})
    await ledger.serve(used(at, 4, id_))
    await ledger.apply()
    assert await pinned(ledger, position, **asked) == before
    assert await pinned(ledger, later, **asked) != before
    made = await bill(ledger, known_at=position, usage_known_at=later, **asked)
    assert (made["position"], made["known_at"], made["usage_known_at"]) == (later, position, later)
    assert (made["usage"]["rows"], made["usage"]["uncollected"], made["usage"]["anchored_at"]) == (6, 0, later)
    assert made["usage"]["conflicting_duplicates"] == 1
    assert made["usage"]["after_now"]["rows"] == 1


async def test_before_the_first_anchor_no_usage_was_known(ledger: Ledger) -> None:
    """Nothing had been put into the log: a bill of then is empty, and none of what came later is in it."""
    await ledger.serve(used(FIRST, 1))
    position = await ledger.anchor() - 1
    told = await usage(ledger, known_at=position, usage_known_at=position)
    assert (told["rows"], told["anchored_at"], told["seen_until"]) == (0, None, None)


async def test_a_position_of_usage_is_waited_for_and_refused_beyond_the_head(ledger: Ledger) -> None:
    """A bill that could still change must not be given as one that can't."""
    await ledger.apply()
    beyond = await ledger.api.head() + 1
    for path, field in (("usage", "usage_known_at"), ("compare", "base_usage_known_at")):
        answer = await ask(ledger, path, **{field: beyond})
        assert_problem(answer, 422, field)
    await ledger.serve(used(FIRST, 1))
    await ledger.anchoring().anchor_now()
    head = await ledger.api.head()
    answer = await ask(ledger, "usage", usage_known_at=head - 1)
    assert answer.json()["usage"]["rows"] == 0


async def test_a_bill_says_which_anchor_has_its_usage_and_what_is_not_collected(ledger: Ledger) -> None:
    """Null while some of the period's usage is newer; that of other periods does not matter."""
    await ledger.serve(used(FIRST, 1))
    assert (await usage(ledger))["anchored_at"] is None
    first = await ledger.anchor()
    assert (await usage(ledger))["anchored_at"] == first
    april = used(instant("2026-04-01T00:00:00.000"), 2)
    await ledger.serve(april)
    assert (await usage(ledger))["anchored_at"] == first
    await ledger.anchor()
    assert (await usage(ledger))["anchored_at"] == first
    await ledger.serve(used(SECOND, 3))
    assert (await usage(ledger))["anchored_at"] is None
    third = await ledger.anchor()
    assert (await usage(ledger))["anchored_at"] == third
    await ledger.world.serve(used(SECOND, 4), collect=False)
    await asyncio.sleep(0.3)  # what is not collected may be a quarter of a second old
    assert ((await usage(ledger))["uncollected"], (await usage(ledger, usage_known_at=third))["uncollected"]) == (2, 0)


async def test_names_of_a_pinned_bill_are_those_known_then(ledger: Ledger) -> None:
    """A tag that came later may not change the answer."""
    key = await ledger.api.make_key(tags={"customer_id": "acme"})
    position = await ledger.apply()
    await ledger.api.patch(key["public_id"], {"tags": {"env": "prod"}})
    await ledger.apply()
    both = {"known_at": position, "usage_known_at": position}
    assert_problem(await ask(ledger, "usage", **both, group_by="env"), 422, "group_by")
    await bill(ledger, known_at=position, group_by="env")


async def test_a_journal_that_was_collected_again_gives_the_same_bytes(ledger: Ledger) -> None:
    """Its batches are others, and the days are those that the log had anchored, then and after each later batch."""
    await ledger.serve([*used(FIRST, 1), model(uuid7(FIRST, 8), uuid7(FIRST, 1), cached=True)])
    await ledger.serve([*used(SECOND, 2), *used(SECOND, 2, input_tokens=1), chat(uuid7(FUTURE, 1), "k")])
    position = await ledger.anchor()
    before = await pinned(ledger, position)
    await ledger.world.lose_journal()
    await ledger.world.collect()
    await ledger.apply()
    assert await pinned(ledger, position) == before

    await ledger.serve(used(FIRST, 3))
    assert await pinned(ledger, position) == before
    await ledger.anchor()
    assert await pinned(ledger, position) == before


@pytest.mark.parametrize("late", ["another row", "a row that differs"])
async def test_usage_of_a_lost_journal_that_cannot_be_proved_is_refused_by_its_day(ledger: Ledger, late: str) -> None:
    """Rows that came before it was collected again can't be told from those of then."""
    await ledger.serve([*used(FIRST, 1), *used(SECOND, 2)])
    position = await ledger.anchor()
    await ledger.serve(used(SECOND, 3) if late == "another row" else used(SECOND, 2, input_tokens=1))
    await ledger.anchor()
    await ledger.world.lose_journal()
    await ledger.world.collect()
    await ledger.apply()
    answer = await ask(ledger, "usage", known_at=position, usage_known_at=position)
    assert_problem(answer, 409)
    assert "2026-03-02 is the first day" in answer.json()["detail"]
    first_day = {"since": "2026-03-01T00:00:00Z", "until": "2026-03-02T00:00:00Z"}
    assert (await usage(ledger, **first_day, usage_known_at=position))["rows"] == 2


async def test_a_replayed_ledger_gives_the_same_bytes(ledger: Ledger) -> None:
    """The journal is not made again with it, and the anchors are those of the log."""
    await ledger.serve(used(FIRST, 1))
    position = await ledger.anchor()
    before = await pinned(ledger, position)
    await ledger.serve(used(FIRST, 2))
    await ledger.anchor()
    services = ledger.api.services
    shadow = ShadowWorld(audit_sources(services), f"{services.names.database}_again")
    try:
        await shadow.replay(switch=True)
        assert await pinned(ledger, position) == before
    finally:
        await services.clickhouse.command(f"DROP DATABASE IF EXISTS {shadow.target}")


async def test_a_restored_archive_gives_the_same_bytes_once_the_rows_are_loaded_again(
    ledger: Ledger, empty: Database, tmp_path: Path
) -> None:
    """And no other bytes before: what was known is not there yet."""
    rows = [*used(FIRST, 1), *used(SECOND, 2)]
    await ledger.serve(rows)
    position = await ledger.anchor()
    before = await pinned(ledger, position)
    await export_to(tmp_path / "archive", ledger.api.services.registry.log)
    await restore_into(empty, tmp_path / "archive")
    world = ledger.world
    await world.clear()
    async with open_ledger(empty, world.clickhouse, world.names) as restored:
        await restored.serve(rows[:2])
        await restored.apply()
        assert_problem(await ask(restored, "usage", known_at=position, usage_known_at=position), 409)
        await restored.serve(rows[2:])
        assert await pinned(restored, position) == before
        await restored.serve(used(SECOND, 3))
        await restored.anchor()
        assert await pinned(restored, position) == before
