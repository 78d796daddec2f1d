"""Which parts run, which are missing and which lag, judged by what is in the log's database. Pure.

A part is expected if the settings name it, or, where they name none, if it has run and was not stopped cleanly. So
who runs no Kafka is not asked for a relay.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args
from uuid import UUID

from keyledger.settings import Settings
from projections.ledger.alarms import Alarm
from projections.usage.journal.state import Behind
from registry.parts.heartbeats import Heartbeat
from registry.parts.part import Part

State = Literal["running", "leading", "standing_by", "missing"]

_COMMAND: Final = {
    "serve": "keyledger serve",
    "projector": "keyledger project clickhouse",
    "relay": "keyledger publish",
    "sync": "keyledger project gateway",
    "collector": "keyledger project usage",
    "sender": "keyledger serve",
}
_PARTS: Final = "docs/operate.md, Parts that are missing"


@dataclass(frozen=True, slots=True)
class PartStatus:
    """One part in one process: who, where, since when, and its last sign of life, `silent_s` ago.

    `succeeded_at` is when it last did its work, which may be to find that there is none.
    """

    part: str
    state: State
    instance: UUID
    host: str
    pid: int
    started_at: datetime
    beat_at: datetime
    silent_s: float
    succeeded_at: datetime | None


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a follower of the log is behind: `what` it brings events to, the first it lacks, and the age of that."""

    part: Part
    what: str
    applied: int
    positions: int
    lag_s: float


def expected_parts(settings: Settings, beats: Iterable[Heartbeat]) -> frozenset[str]:
    """The parts that must run."""
    if settings.parts_expected is not None:
        return frozenset(settings.parts_expected.split(","))
    return frozenset(one.part for one in beats)


def states_of(beats: Sequence[Heartbeat], missing_s: float) -> list[PartStatus]:
    """Every part that runs or is missing; a silent one that a later start on its host has replaced is neither."""
    alive = [one for one in beats if one.silent_s <= missing_s]

    def replaced(dead: Heartbeat) -> bool:
        return any((one.part, one.host) == (dead.part, dead.host) and one.started_at > dead.beat_at for one in alive)

    return [_state(one, is_alive=one in alive) for one in beats if one in alive or not replaced(one)]


def alarms_of_parts(parts: Sequence[PartStatus], expected: Collection[str]) -> Iterator[Alarm]:
    """An alarm for each expected part that does not run, and for each process of one that ended without a word."""
    for part in get_args(Part):
        if part not in expected:
            continue
        runs = [one for one in parts if one.part == part and one.state != "missing"]
        gone = [one for one in parts if one.part == part and one.state == "missing"]
        if not runs and not gone:
            fix = f"start it: {_COMMAND[part]}. If it is not to run, leave it out of KEYLEDGER_PARTS_EXPECTED"
            yield Alarm("part_missing", f"no {part} runs, and KEYLEDGER_PARTS_EXPECTED names it", None, fix, part)
        for one in gone:
            others = "another one runs" if runs else "none runs"
            place = f"on {one.host} (process {one.pid})"
            words = f"the {part} {place} has given no sign of life for {one.silent_s:.0f} s, and {others}"
            fix = f"see why it ended, and start it again: {_COMMAND[part]}. {_PARTS}"
            yield Alarm("part_missing", words, None, fix, None if runs else part)


def alarms_of_lag(lags: Iterable[Lag], limit_s: float, settings: Settings) -> Iterator[Alarm]:
    """An alarm for each follower that is too far behind, but for those that the settings say need not run."""
    named = None if settings.parts_expected is None else settings.parts_expected.split(",")
    for one in lags:
        if one.lag_s > limit_s and (named is None or one.part in named):
            count = "one event waits" if one.positions == 1 else f"{one.positions} events wait"
            words = f"{one.what} is {one.lag_s:.0f} s behind the log: {count}"
            fix = f"see whether {_COMMAND[one.part]} runs and what it waits for; it catches up by itself. {_PARTS}"
            yield Alarm("lag", words, one.applied + 1, fix, one.part)


def alarms_of_collector(seen: Behind | None, settings: Settings) -> Iterator[Alarm]:
    """What keeps the usage journal from having the gateway's rows, unless the settings say that none need run."""
    named = None if settings.parts_expected is None else settings.parts_expected.split(",")
    if seen is None or (named is not None and "collector" not in named):
        return
    if seen.failure is not None:
        fix = "mend what it says: the collector goes on by itself. docs/usage-journal.md"
        yield Alarm("collector_stopped", f"usage is not collected: {seen.failure}", None, fix, "collector")
    if seen.lag_s > settings.lag_alarm_s:
        count = "one row waits" if seen.uncollected == 1 else f"{seen.uncollected} rows wait"
        words = f"the usage journal is {seen.lag_s:.0f} s behind the gateway's tables: {count}"
        fix = f"see whether {_COMMAND['collector']} runs: it catches up by itself. {_PARTS}"
        yield Alarm("lag", words, None, fix, "collector")


def _state(one: Heartbeat, *, is_alive: bool) -> PartStatus:
    state: State = "missing"
    if is_alive:
        state = "running" if one.leads is None else "leading" if one.leads else "standing_by"
    place = (one.instance, one.host, one.pid)
    return PartStatus(
        one.part, state, *place, one.started_at, one.beat_at, round(max(0.0, one.silent_s), 3), one.succeeded_at
    )
