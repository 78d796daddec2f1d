"""GET /audit/state: at any instant, as known at any position, each key is the fold of its events."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest

from keyledger.http.answer.encode import encode
from keyledger.http.keys.views import key_out
from registry.instant import cut_ms, format_ms
from registry.keys.state import fold
from registry.log.event_log import RecordedEvent
from tests.support.api.service import assert_problem
from tests.support.audit.ledger_world import Ledger
from tests.support.contracts.writes import read_all
from tests.support.random_lives import work


async def every_page(ledger: Ledger, **query: Any) -> list[dict[str, Any]]:
    """All items of the list, page by page."""
    items: list[dict[str, Any]] = []
    while True:
        page = await ledger.get("/audit/state", **query)
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        query["cursor"] = page["next_cursor"]


async def streams_of(ledger: Ledger) -> dict[str, list[RecordedEvent]]:
    """The events of each key."""
    streams: dict[str, list[RecordedEvent]] = defaultdict(list)
    for event in await read_all(ledger.api.services.registry.log, 500):
        if event.stream.startswith("key-"):
            streams[event.stream].append(event)
    return streams


@pytest.mark.parametrize("times", [1, pytest.param(4, marks=pytest.mark.long)])
async def test_all_keys_at_random_moments_are_the_folds_of_their_events(ledger: Ledger, times: int) -> None:
    registry = ledger.api.services.registry
    for seed in range(3):
        await work(registry.log, registry.queries, seed)  # type: ignore[arg-type]
    streams, chance = await streams_of(ledger), random.Random(5)
    events = sorted((event for history in streams.values() for event in history), key=lambda one: one.position)
    moments = [(chance.choice(events).recorded_at, chance.choice(events).position) for _ in range(7 * times)]
    moments += [(cut_ms(one.effective_at), one.position) for one in chance.sample(events, 3 * times)]
    for near, known_at in moments:
        at = cut_ms(near) + timedelta(milliseconds=chance.randrange(-1, 2))
        folded = [fold(history, at=at, known_at=known_at) for history in streams.values()]
        expected = {key.public_id: encode(key_out(key, at)) for key in folded if key is not None}
        query = {"at": format_ms(at), "known_at": known_at}
        found = await every_page(ledger, **query, limit=chance.choice((1, 3, 100)))
        assert len(found) == len(expected)
        assert {key["public_id"]: key for key in found} == expected
        for public_id in chance.sample(sorted(expected), min(2, len(expected))):
            assert await ledger.get(f"/audit/state/{public_id}", **query) == expected[public_id]
        for stream in streams.keys() - {f"key-{public_id}" for public_id in expected}:
            assert_problem(await ledger.ask(f"/audit/state/{stream.removeprefix('key-')}", **query), 404)


async def test_the_pages_of_one_list_are_of_one_moment_whatever_happens_meanwhile(ledger: Ledger) -> None:
    made = {(await ledger.api.make_key(tags={"customer_id": "acme"}))["public_id"] for _ in range(3)}
    first = await ledger.get("/audit/state", limit=1)
    for public_id in made:
        await ledger.api.patch(public_id, {"tags": {"customer_id": "globex"}})
        await ledger.api.make_key()
    items = first["items"] + await every_page(ledger, limit=1, cursor=first["next_cursor"])
    assert {key["public_id"] for key in items} == made
    assert {key["tags"]["customer_id"] for key in items} == {"acme"}
    now = await every_page(ledger)
    assert len(now) == 6
    assert {key["tags"].get("customer_id") for key in now} == {"globex", None}


async def test_before_the_first_event_there_was_nothing(ledger: Ledger) -> None:
    key = await ledger.api.make_key()
    for query in ({"known_at": 0}, {"at": "2020-01-01T00:00:00Z"}):
        page = await ledger.get("/audit/state", **query)
        assert (page["items"], page["next_cursor"]) == ([], None)
        assert_problem(await ledger.ask(f"/audit/state/{key['public_id']}", **query), 404)


@pytest.mark.parametrize("path", ["/audit/state", "/audit/state/{key}"])
async def test_a_position_beyond_the_head_is_refused_by_field(ledger: Ledger, path: str) -> None:
    key = await ledger.api.make_key()
    head = await ledger.api.head()
    answer = await ledger.ask(path.format(key=key["public_id"]), known_at=head + 1)
    assert_problem(answer, 422, "known_at")
    assert answer.headers["keyledger-position"] == str(head)


async def test_a_cursor_is_of_its_own_moment_alone(ledger: Ledger) -> None:
    for _ in range(2):
        await ledger.api.make_key()
    head = await ledger.api.head()
    page = await ledger.get("/audit/state", limit=1)
    cursor = page["next_cursor"]
    same = await ledger.get("/audit/state", cursor=cursor, at=page["at"], known_at=head)
    assert same["at"] == page["at"]
    assert_problem(await ledger.ask("/audit/state", cursor=cursor, known_at=head - 1), 422, "known_at")
    assert_problem(await ledger.ask("/audit/state", cursor=cursor, at="2026-01-01T00:00:00Z"), 422, "at")
    for made_up in ("abc", cursor[:-1], cursor + "A", "c3RhdGU6MTo5OTk5OTk5OTk5OTk5OTk6YWJjZGVmZ2hpamts", "", "é"):
        assert_problem(await ledger.ask("/audit/state", cursor=made_up), 422, "cursor")
