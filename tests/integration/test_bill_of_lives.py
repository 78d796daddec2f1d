"""Keys that are made, taken over, moved, suspended, rotated and revoked by command, each credential used all along.

From the decision through the log and the projector to the bill: at every position it is the brute-force oracle's.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyledger.http.answer.encode import encode
from keyledger.http.keys.views import event_out
from projections.ledger.rows import project
from projections.ledger.store import Store
from registry.errors import Refused
from registry.instant import from_ms
from registry.keys.commands import EditKey
from registry.keys.details import KeyDetails
from registry.keys.events import IssuedCredential, KeyImported, key_stream
from registry.log import chain
from registry.log.event_log import Caller, NewEvent, Write
from registry.log.memory import MemoryEventLog
from registry.service import KeyService, NewKey
from tests.support.bill_world import World, chat, instant, model, uuid7
from tests.support.examples import running
from tests.support.oracle.oracle import Fact, Row, oracle_bill
from tests.support.oracle.truth import facts_of_event
from tests.support.records import NOON

OPERATOR = Caller("operator", reason="why")
BASE = instant("2026-03-01T12:00:00")
LAST = 40  # milliseconds in which it all happens
MS = timedelta(milliseconds=1)
WHATS = ("create", "import", "tags", "tags", "back", "expire", "suspend", "suspend", "resume", "resume", "rotate",
         "rotate", "credential", "revoke")  # fmt: skip
# What is done, to which of the keys and credentials, how many milliseconds after the last, and a number to do it with.
steps = st.lists(
    st.tuples(st.sampled_from(WHATS), st.integers(0, 7), st.integers(0, 4), st.integers(0, 6)), min_size=3, max_size=14
)


@dataclass
class Lives:
    """Keys under a clock that the test moves."""

    now: datetime = NOON
    public_ids: list[str] = field(default_factory=list)
    credentials: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.log = MemoryEventLog(clock=lambda: self.now)
        self.keys = KeyService(self.log, self._resolve)

    async def _resolve(self, any_id: str) -> str | None:
        return any_id

    async def do(self, what: str, which: int, number: int) -> None:
        """One command; some are refused in the state that the key is in."""
        if what in ("create", "import") or not self.public_ids:
            await (self._import(number) if what == "import" else self._create(number))
            return
        public_id = self.public_ids[which % len(self.public_ids)]
        with suppress(Refused):
            await self._change(what, public_id, which, number)

    async def _change(self, what: str, public_id: str, which: int, number: int) -> None:
        tags = {"customer_id": ("acme", "beta", None)[number % 3]}
        back = EditKey(tags=tags, effective_at=self.now - number * MS, reason="late", may_backdate=True)
        match what:
            case "tags":
                await self.keys.edit(public_id, EditKey(tags=tags), OPERATOR)
            case "back":
                await self.keys.edit(public_id, back, OPERATOR)
            case "expire":
                expiration = self.now + number * MS if number else None
                await self.keys.edit(public_id, EditKey(expiration=expiration), OPERATOR)
            case "suspend":
                await self.keys.suspend(public_id, OPERATOR)
            case "resume":
                await self.keys.resume(public_id, OPERATOR)
            case "rotate":
                rotated = await self.keys.rotate(public_id, None if number > 3 else number * 2 * MS, OPERATOR)
                self.credentials.append((public_id, rotated.key.credentials[-1].credential_id))
            case "credential":
                public_id, credential_id = self.credentials[which % len(self.credentials)]
                await self.keys.revoke_credential(public_id, credential_id, OPERATOR)
            case "revoke":
                await self.keys.revoke(public_id, OPERATOR)

    async def _create(self, number: int) -> None:
        expiration = self.now + (5 + number) * MS if number > 3 else None
        made = await self.keys.create(NewKey({"customer_id": "acme"}, expiration=expiration), OPERATOR)
        self._made(made.key.public_id)

    async def _import(self, number: int) -> None:
        """A key of the gateway, some milliseconds old, which may have been disabled in between."""
        public_id = f"imp0rtedKey{len(self.public_ids)}"
        created, disabled = self.now - number * MS, self.now - number // 2 * MS
        issued = IssuedCredential(public_id, chain.commitment("c" * 64))
        event = KeyImported(
            public_id, {"customer_id": "beta"}, KeyDetails(), None,
            disabled if number % 2 else None, issued, "tensorzero",
        )  # fmt: skip
        decided = NewEvent(event, created)
        await self.log.write(Write(key_stream(public_id), lambda _view: [decided], OPERATOR))
        self._made(public_id)

    def _made(self, public_id: str) -> None:
        self.public_ids.append(public_id)
        self.credentials.append((public_id, public_id))

    def usage(self) -> list[Row]:
        """Every credential used in every millisecond, each use at a price of its own."""
        rows: list[Row] = []
        for serial, (_, credential_id) in enumerate(self.credentials):
            for offset in range(-8, LAST):
                id_ = uuid7(BASE + offset, serial)
                cost = Decimal(len(rows) + 1).scaleb(-6)
                rows += [chat(id_, credential_id), model(uuid7(BASE + offset, 100 + serial), id_, cost=cost)]
        return rows


@pytest.mark.timeout(300)
def test_every_life_of_a_key_is_billed_as_the_oracle_bills_it(world: World) -> None:
    """Seven stories; a hundred more in the long run."""
    _search(world, 7)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_every_life_of_a_key_is_billed_as_the_oracle_bills_it_a_hundred_times_more(world: World) -> None:
    """The same, for as long as it is worth waiting."""
    _search(world, 100)


def _search(world: World, examples: int) -> None:
    with running() as run:

        @settings(max_examples=examples)
        @given(steps)
        def holds(happened: list[tuple[str, int, int, int]]) -> None:
            run(_check(world, happened))

        holds()


async def _check(world: World, happened: list[tuple[str, int, int, int]]) -> None:
    lives = Lives()
    for what, which, pause, number in happened:
        lives.now = min(lives.now + pause * MS, from_ms(BASE + LAST - 1))
        await lives.do(what, which, number)
    events, rows = await lives.log.read(0, 1000), lives.usage()
    await world.clear()
    applied = [(one.position, "log", "", one.hash.hex(), one.recorded_us) for one in events]
    await Store(world.clickhouse, world.names).write(project(events), applied)
    await world.serve(rows)
    facts = [fact for one in events for fact in facts_of_event(one.stream.removeprefix("key-"), encode(event_out(one)))]
    for known_at in (None, len(events) // 2, len(events) - 1):
        await _check_bill(world, facts, rows, len(events), known_at)


async def _check_bill(world: World, facts: list[Fact], rows: list[Row], applied: int, known_at: int | None) -> None:
    period: dict[str, Any] = {"since_ms": BASE - 8, "until_ms": BASE + LAST}
    known = applied if known_at is None else known_at
    right = oracle_bill(facts, rows, group_by=("customer_id",), known_at=known, **period)
    since, until = (from_ms(end) for end in period.values())
    bill = await world.bill(applied=applied, group_by=("customer_id",), since=since, until=until, known_at=known_at)
    for part in ("lines", "late_lines", "total", "coverage"):
        assert bill[part] == right[part], part
