"""The heartbeat of a process: it tells who runs, grows by nothing, and never stops what it tells of."""

from __future__ import annotations

import logging
import os
import socket
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from keyledger.runtime.registry import Registry, registry_on
from keyledger.runtime.status import status_of
from keyledger.runtime.watching.heart import beating
from keyledger.settings import Settings
from registry.errors import ChainBroken
from registry.follower import Pulse
from registry.log.postgres import PostgresEventLog
from registry.outage import Outage
from registry.parts.heartbeats import Beat, Heartbeats, Place, Silence
from registry.parts.part import Part
from tests.support.servers.databases import Database
from tests.support.waiting import eventually

QUICK = Settings(part_missing_s=1, part_forget_s=2)
SILENCE = Silence(30.0, 3600.0)
OLDER = """
UPDATE keyledger.heartbeat
SET beat_at = beat_at - make_interval(secs => $1), started_at = started_at - make_interval(secs => $1)
"""


class Work:
    """A follower that does nothing but be watched."""

    def __init__(self, part: Part, *, leads: bool | None = None) -> None:
        self.part = part
        self.leads = leads
        self.failure: Exception | None = None
        self.pulse = Pulse()
        self.outage = Outage(part, logging.getLogger(__name__))

    async def run(self) -> None: ...

    async def follow(self) -> None: ...

    async def report(self, failure: str, *, stopped: bool) -> None: ...

    async def release(self) -> None: ...


@pytest.fixture
async def registry(postgres_log: PostgresEventLog, engine: AsyncEngine) -> Registry:
    """A registry whose parts are soon missed."""
    return registry_on(postgres_log, engine, QUICK)


async def test_a_process_says_who_runs_where_and_what_it_does_until_it_is_stopped(registry: Registry) -> None:
    relay = Work("relay", leads=False)
    relay.pulse.beat()
    async with beating(registry, [relay, Work("projector")], serves=True):
        status = await status_of(registry)
        assert status.alarms == ()
        assert {one.part: one.state for one in status.parts} == {
            "serve": "running",
            "relay": "standing_by",
            "projector": "running",
        }
        assert {(one.host, one.pid) for one in status.parts} == {(socket.gethostname(), os.getpid())}
        succeeded = {one.part: one.succeeded_at is not None for one in status.parts}
        assert succeeded == {"serve": True, "relay": True, "projector": False}
        relay.leads = True
        assert await eventually(lambda: _state(registry, "relay"), lambda state: state == "leading", timeout_s=10)
    status = await status_of(registry)
    assert (status.parts, status.alarms) == ((), ()), "a clean stop is not missed"


async def test_one_that_fails_is_missing(registry: Registry) -> None:
    with pytest.raises(ChainBroken):
        async with beating(registry, [Work("relay", leads=True)]):
            raise ChainBroken
    assert await eventually(lambda: _state(registry, "relay"), lambda state: state == "missing", timeout_s=10)
    assert [one.kind for one in (await status_of(registry)).alarms] == ["part_missing"]


async def test_a_part_whose_work_has_ended_falls_silent_while_its_process_goes_on(registry: Registry) -> None:
    projector = Work("projector")
    async with beating(registry, [projector], serves=True):
        projector.failure = ChainBroken()
        assert await eventually(lambda: _state(registry, "projector"), lambda state: state == "missing", timeout_s=10)
        assert await _state(registry, "serve") == "running"


async def test_a_heartbeat_that_can_not_be_written_stops_nothing(registry: Registry, database: Database) -> None:
    async with database.connect(owner=False) as application:
        role = await application.fetchval("SELECT current_user")
    async with database.connect() as owner:
        await owner.execute(f"REVOKE INSERT ON keyledger.heartbeat FROM {role}")
        async with beating(registry, serves=True):
            assert (await status_of(registry)).parts == ()
            await owner.execute(f"GRANT INSERT ON keyledger.heartbeat TO {role}")
            assert await eventually(lambda: _state(registry, "serve"), lambda state: state == "running", timeout_s=10)
            await owner.execute("DROP TABLE keyledger.heartbeat")


async def test_rows_of_the_dead_go_and_those_that_are_missed_stay(engine: AsyncEngine, database: Database) -> None:
    heartbeats = Heartbeats(engine)
    places = {"same": Place("one", 1), "again": Place("one", 2), "other": Place("two", 1)}

    async def beat(place: str, part: Part, ran_s: float) -> None:
        await heartbeats.beat([Beat(uuid4(), part, None, None)], places[place], ran_s, SILENCE)

    async def age(by_s: int) -> None:
        async with database.connect() as owner:
            await owner.execute(OLDER, by_s)

    async def left() -> list[tuple[str, str, int]]:
        return sorted((one.part, one.host, one.pid) for one in await heartbeats.read())

    await beat("same", "relay", 9)
    await beat("other", "relay", 9)
    await beat("same", "projector", 9)
    await age(60)
    await beat("again", "relay", 70)  # it ran when the others fell silent: it is none that came after them
    assert await left() == [("projector", "one", 1), ("relay", "one", 1), ("relay", "one", 2), ("relay", "two", 1)]
    await beat("again", "relay", 9)
    assert ("relay", "one", 1) not in await left(), "a later start on its host has replaced it"
    assert ("relay", "two", 1) in await left(), "nothing has replaced it"
    await age(3600)
    await beat("again", "relay", 9)
    assert await left() == [("projector", "one", 1), ("relay", "one", 2)], "the only one of a kind is missed for good"


async def test_beats_add_no_rows(engine: AsyncEngine) -> None:
    heartbeats, beats = Heartbeats(engine), [Beat(uuid4(), "serve", None, 0.0), Beat(uuid4(), "relay", True, 1.0)]
    for ran_s in range(5):
        await heartbeats.beat(beats, Place("one", 1), ran_s, SILENCE)
    found = await heartbeats.read()
    assert [one.part for one in found] == ["relay", "serve"]
    assert all(one.started_at <= one.beat_at for one in found)


async def test_a_part_that_must_run_is_missed_before_it_ever_ran(registry: Registry) -> None:
    status = await status_of(replace(registry, settings=Settings(parts_expected="relay")))
    assert [(one.kind, one.part) for one in status.alarms] == [("part_missing", "relay")]


async def _state(registry: Registry, part: str) -> str | None:
    return next((one.state for one in (await status_of(registry)).parts if one.part == part), None)
