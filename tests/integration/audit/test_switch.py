"""A switch puts the replayed tables live: under writers and readers, interrupted anywhere, nothing lost or wrong."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from audit.errors import TargetUnfit
from keyledger.runtime import dead_letters
from keyledger.runtime.status import status_of
from keyledger.runtime.watching.read_side import ReadSide
from projections.billing.bill import compute_bill
from projections.billing.query import BillQuery
from projections.engine.client import ClickHouse, Row
from projections.errors import ClickHouseRefused
from projections.ledger.dead_letters import DeadLetters
from projections.ledger.log_tail import LogTail
from projections.ledger.projector import Projector
from registry.errors import FieldsRefused
from registry.keys.commands import EditKey
from registry.service import KeyService
from tests.support.api.service import open_api
from tests.support.audit.books_world import HEAD, Tampered
from tests.support.audit.replay_world import Dies, ShadowWorld
from tests.support.bill_world import World, chat, model, uuid7
from tests.support.kafka_world import running, until
from tests.support.ledger.projecting import catch_up
from tests.support.ledger.workload import OPERATOR, fill, itself
from tests.support.servers.databases import Database

DAY_MS = 86_400_000


@pytest.fixture
async def shadow(tampered: Tampered) -> AsyncIterator[ShadowWorld]:
    """A second ledger of the books, not made yet."""
    made = ShadowWorld(tampered.books, f"{tampered.books.names.database}_again")
    yield made
    for name in (made.target, f"{made.target}_fresh"):
        await tampered.books.clickhouse.command(f"DROP DATABASE IF EXISTS {name}")


async def fresh(shadow: ShadowWorld) -> list[list[Row]]:
    """The rows that a replay gives which nothing disturbed."""
    other = ShadowWorld(shadow.books, f"{shadow.target}_fresh")
    await other.replay()
    return await other.replayed()


@asynccontextmanager
async def projecting(shadow: ShadowWorld) -> AsyncIterator[None]:
    """A projector that runs for the block, as that of `up`."""
    log = shadow.books.log
    async with running(Projector(LogTail(log), shadow.books.store, str(log.log_id), poll_s=0.05).run()):
        yield


async def test_what_was_touched_is_right_after_it_and_the_old_is_kept_until_dropped(
    shadow: ShadowWorld, tampered: Tampered
) -> None:
    right = await shadow.live()
    await tampered.clickhouse("ALTER TABLE {db}.key_tag_change_v1 UPDATE value = 'mallory' WHERE position = 4")
    await tampered.clickhouse("ALTER TABLE {db}.key_life_v1 DELETE WHERE position = 3")
    await shadow.books.store.insert_life([("Zmallory0000", 1, 77, "created", None, 1)])
    touched = await shadow.live()
    findings, end = await shadow.replay(switch=True)
    assert {(one.kind, one.where, one.position) for one in findings} == {
        ("changed", "key_tag_change_v1", 4), ("missing", "key_life_v1", 3), ("extra", "key_life_v1", 77),
    }  # fmt: skip
    assert (end.differences, end.switched, end.position, end.live_position) == (3, True, HEAD, HEAD)
    assert await shadow.live() == right
    assert await shadow.replayed() == touched != right
    assert await tampered.findings() == []
    with pytest.raises(TargetUnfit, match="keeps the ledger of before a switch"):
        await shadow.replay()
    assert (await shadow.replay(switch=True))[1].differences is None  # once more: it is done, and stays done
    assert await shadow.live() == right
    # Each event has a row in its tally, too, and there is a checkpoint.
    assert await shadow.drop() == sum(map(len, touched)) + HEAD + 1
    assert (await shadow.replay())[0] == []


class Slow(ClickHouse):
    """A client that waits around each exchange until writers have written more."""

    def __init__(self, url: str, shadow: ShadowWorld) -> None:
        super().__init__(url)
        self._log = shadow.books.log

    async def command(self, sql: str, parameters: Any = None, settings: Any = None) -> None:
        """See ClickHouse."""
        if "EXCHANGE" not in sql:
            return await super().command(sql, parameters, settings)
        await self._more()
        await super().command(sql, parameters, settings)
        return await self._more()

    async def _more(self) -> None:
        wanted = (await self._log.head()).position + 2

        async def written() -> bool:
            return (await self._log.head()).position >= wanted

        await until(written)


async def bill(shadow: ShadowWorld, position: int, known_at: int | None = None) -> Any:
    """The bill at an applied position, its usage later than all edits."""
    query = BillQuery(
        ("customer_id",), datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC), known_at=known_at
    )
    made = await compute_bill(shadow.books.clickhouse, shadow.books.names, query, position)
    return made.lines, made.late_lines, made.coverage


async def serve(shadow: ShadowWorld) -> None:
    """Usage of every key, a day after it was made."""
    world = World(shadow.books.clickhouse, shadow.books.names)
    lives = await world.select("SELECT public_id, effective_ms FROM {database}.key_life WHERE kind = 'created'")
    ids = [(uuid7(at_ms + DAY_MS, number), key) for number, (key, at_ms) in enumerate(sorted(lives))]
    await world.serve([chat(id_, key) for id_, key in ids] + [model(id_, id_) for id_, _ in ids])


async def edit_on(shadow: ShadowWorld) -> None:
    """Edit the keys of the books without end, one event after the other, some a second: each is a write of its own."""
    world = World(shadow.books.clickhouse, shadow.books.names)
    rows = await world.select("SELECT DISTINCT public_id FROM {database}.key_life WHERE public_id NOT IN "
                              "(SELECT public_id FROM {database}.key_life WHERE kind = 'revoked')")  # fmt: skip
    keys = KeyService(shadow.books.log, itself)
    for number in itertools.count():
        (key,) = rows[number % len(rows)]
        await keys.edit(key, EditKey(tags={"customer_id": f"moved-{number}"}), OPERATOR)
        await asyncio.sleep(0.1)


async def test_under_writers_nothing_is_missing_and_no_bill_is_wrong_at_any_moment(
    shadow: ShadowWorld, clickhouse_url: str
) -> None:
    await serve(shadow)
    slow = Slow(clickhouse_url, shadow)
    bills: list[tuple[int, Any]] = []
    async with projecting(shadow):
        async with running(edit_on(shadow)):
            switching = asyncio.create_task(shadow.dying(slow).replay(switch=True))
            while not switching.done() or len({position for position, _ in bills}) <= 3:
                position = await shadow.applied()
                bills.append((position, await bill(shadow, position)))
            findings, end = await switching
            assert findings == []
            assert await shadow.applied() >= max(end.live_position, *(position for position, _ in bills))
        await fill(shadow.books.log, seed=86, count=1)  # after what the cancelled writer had under way
        head = (await shadow.books.log.head()).position
        assert head > HEAD + 20

        async def all_is_applied() -> bool:  # by the projector that knows nothing of it
            return await shadow.applied() == head

        await until(all_is_applied)
    await slow.close()
    assert await shadow.live() == await fresh(shadow)
    right = {position: await bill(shadow, head, known_at=position) for position in {position for position, _ in bills}}
    for position, made in bills:
        assert made == right[position], position
    assert len(right) > 3


# Statements, which of their kind, and whether it had effect before the death.
DEATHS = [
    ("EXCHANGE", 3, True),
]
MORE = [
    ("INSERT INTO {live}.dead_letter_v1", 2, False),  # the end of the hold
    ("INSERT INTO {live}.dead_letter_v1", 1, True),  # the hold
    *(("EXCHANGE", number, False) for number in range(1, 7)),
    *(("EXCHANGE", number, True) for number in (1, 2, 4, 5, 6)),
    ("INSERT INTO {target}.replay_switch_v1", 1, False),
    ("INSERT INTO {live}.dead_letter_v1", 1, False),
    ("INSERT INTO {target}.replay_switch_v1", 1, True),
    ("INSERT INTO {live}.event_applied_v1", 1, False),
    ("INSERT INTO {live}.event_applied_v1", 1, True),
    ("INSERT INTO {live}.dead_letter_v1", 2, True),
    ("RELOAD DICTIONARY", 1, False),
]


@pytest.mark.parametrize(
    ("statement", "number", "after"), [*DEATHS, *(pytest.param(*one, marks=pytest.mark.long) for one in MORE)]
)
async def test_a_death_at_any_step_is_mended_by_the_same_command(
    shadow: ShadowWorld, clickhouse_url: str, statement: str, number: int, after: bool
) -> None:
    async with projecting(shadow):
        await shadow.replay()
        replayed = await shadow.uuids(shadow.names)
        text = statement.format(target=shadow.target, live=shadow.books.names.database)
        dying = Dies(clickhouse_url, text, number, after=after)
        async with running(edit_on(shadow)):
            with pytest.raises(ClickHouseRefused, match="it died here"):
                await shadow.dying(dying).replay(switch=True)
        await dying.close()
        await fill(shadow.books.log, seed=82, count=2)
    async with projecting(shadow):  # all of it died, and was started again
        await fill(shadow.books.log, seed=83, count=2)
        before = await shadow.applied()
        _, end = await shadow.replay(switch=True)
        assert end.live_position >= before
    assert await shadow.uuids(shadow.books.names) == replayed
    await catch_up(shadow.books.log, shadow.books.store)
    assert await shadow.applied() == (await shadow.books.log.head()).position
    assert await shadow.live() == await fresh(shadow)
    assert await shadow.drop() > 100


async def test_half_done_the_ledger_is_held_says_so_and_nothing_else_can_end_it(
    shadow: ShadowWorld, clickhouse_url: str, database: Database
) -> None:
    books = shadow.books
    dying = Dies(clickhouse_url, "EXCHANGE", 3, after=True)
    with pytest.raises(ClickHouseRefused):
        await shadow.dying(dying).replay(switch=True)
    await dying.close()
    await fill(books.log, seed=84, count=5)
    async with open_api(database, books.clickhouse, books.names) as api, projecting(shadow):
        services = api.services
        letters = DeadLetters(books.clickhouse, books.names)
        (alarm,) = (
            await status_of(services.registry, ReadSide(services.store, letters, services.presence, 100, 30.0))
        ).alarms
        assert f"nothing beyond position {HEAD} is applied" in alarm.detail
        assert alarm.fix.endswith(f"keyledger audit replay --into {shadow.target} --switch")
        assert await dead_letters.waive(services, None, "all of them") == []
        (hold,) = await letters.find("open")
        with pytest.raises(FieldsRefused):
            await dead_letters.waive(services, [hold.id], "this one")
        with pytest.raises(TargetUnfit, match="half done"):
            await shadow.drop()
        with pytest.raises(TargetUnfit, match="before a switch"):
            await shadow.replay()
        assert await shadow.applied() == HEAD
        _, end = await shadow.replay(switch=True)
        assert end.live_position == (await books.log.head()).position
        assert (
            await status_of(services.registry, ReadSide(services.store, letters, services.presence, 100, 30.0))
        ).alarms == ()


class Full(ClickHouse):
    """A client that has no room for what comes after the hold."""

    def __init__(self, url: str, shadow: ShadowWorld) -> None:
        super().__init__(url)
        self._shadow, self._held = shadow, False

    async def insert(self, table: str, rows: Sequence[Row], columns: Sequence[str]) -> None:
        """See ClickHouse."""
        if self._held and table == f"{self._shadow.target}.event_applied_v1":
            raise ClickHouseRefused("it is full")
        await super().insert(table, rows, columns)
        if table.endswith("dead_letter_v1") and not self._held:
            self._held = True
            await fill(self._shadow.books.log, seed=85, count=5)


async def test_a_failure_before_the_first_exchange_holds_nothing(shadow: ShadowWorld, clickhouse_url: str) -> None:
    full = Full(clickhouse_url, shadow)
    with pytest.raises(ClickHouseRefused, match="it is full"):
        await shadow.dying(full).replay(switch=True)
    await full.close()
    await catch_up(shadow.books.log, shadow.books.store)
    assert await shadow.applied() == (await shadow.books.log.head()).position > HEAD
    assert (await shadow.replay(switch=True))[1].live_position == await shadow.applied()


@pytest.mark.long
async def test_a_caller_who_goes_away_in_the_middle_leaves_it_done(shadow: ShadowWorld, clickhouse_url: str) -> None:
    await shadow.replay()
    replayed = await shadow.uuids(shadow.names)
    slow = Slow(clickhouse_url, shadow)
    async with projecting(shadow), running(edit_on(shadow)):
        switching = asyncio.create_task(shadow.dying(slow).replay(switch=True))

        async def begun() -> bool:
            return replayed["key_tag_change_v1"] in (await shadow.uuids(shadow.books.names)).values()

        await until(begun)
        for _ in range(3):
            switching.cancel()
            await asyncio.wait({switching}, timeout=0.05)
        with pytest.raises(asyncio.CancelledError):
            await switching
    await slow.close()
    assert await shadow.uuids(shadow.books.names) == replayed
    assert await DeadLetters(shadow.books.clickhouse, shadow.books.names).find("open") == []
