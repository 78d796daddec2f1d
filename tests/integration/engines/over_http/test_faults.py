"""Answers that break off or are damaged, and a server that dies: what is read is whole, or else it is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.errors import ClickHouseRefused, ClickHouseUnavailable
from projections.ledger.log_tail import LogTail
from projections.ledger.projector import Projector
from projections.ledger.store import Store
from registry.log.memory import MemoryEventLog
from tests.support.ledger.prepared import PreparedLedger
from tests.support.ledger.projecting import project
from tests.support.ledger.workload import fill
from tests.support.ledger_tables import contents
from tests.support.servers.clickhouse import Front, running_front

pytestmark = pytest.mark.xdist_group("clickhouse-http")

# Two blocks of one size: what is cut in the middle is cut between them, and looks whole.
ROWS = "SELECT number FROM numbers(2000) SETTINGS max_block_size = 1000, max_threads = 1"


@pytest.fixture
async def client(clickhouse_front: Front) -> AsyncIterator[ClickHouse]:
    """A client of the front, which has asked what it asks first."""
    made = ClickHouse(clickhouse_front.url, threads=1)
    assert await made.query("SELECT 1") == [(1,)]
    yield made
    await made.close()


@pytest.mark.parametrize(
    "kind", ["short_length", "short_chunks", "bad_chunks", "bad_frame", "page", "exception", "tagged_exception"]
)
@pytest.mark.parametrize("call", ["query", "table"])
async def test_a_broken_answer_may_be_asked_for_again(
    clickhouse_front: Front, client: ClickHouse, kind: str, call: str
) -> None:
    clickhouse_front.arm(kind, "numbers(2000)")
    with pytest.raises(ClickHouseUnavailable):
        await (client.query(ROWS) if call == "query" else client.table(ROWS))
    assert len(await client.query(ROWS)) == 2000


async def test_a_compressed_answer_that_breaks_off_is_never_a_shorter_result(
    clickhouse_front: Front, client: ClickHouse
) -> None:
    """The driver does not look for the end of a frame, so none is asked for."""
    clickhouse_front.arm("short_frame", "numbers(2000)")
    assert len(await client.query(ROWS)) == 2000


@pytest.mark.parametrize("kind", ["short_length", "short_chunks", "bad_chunks"])
async def test_an_insert_whose_answer_breaks_off_may_be_repeated(
    clickhouse_front: Front, client: ClickHouse, kind: str
) -> None:
    """Whether its rows were written is not known: the driver may have repeated it itself."""
    await client.command("CREATE OR REPLACE TABLE default.repeated (a UInt64) ENGINE = ReplacingMergeTree ORDER BY a")
    clickhouse_front.arm(kind, "INTO default.repeated")
    with pytest.raises(ClickHouseUnavailable):
        await client.insert("default.repeated", [(1,), (2,)], ["a"])
    await client.insert("default.repeated", [(1,), (2,)], ["a"])
    assert await client.query("SELECT a FROM default.repeated FINAL ORDER BY a") == [(1,), (2,)]


async def test_the_columns_of_a_table_are_asked_for_once_and_not_before_every_insert(
    clickhouse_front: Front, client: ClickHouse
) -> None:
    await client.command("CREATE OR REPLACE TABLE default.asked (a UInt64) ENGINE = MergeTree ORDER BY a")
    await client.insert("default.asked", [(1,)], ["a"])
    described = "DESCRIBE TABLE default.asked"
    clickhouse_front.arm("page", described)
    for number in range(2, 5):
        await client.insert("default.asked", [(number,)], ["a"])
    with pytest.raises(ClickHouseUnavailable):
        await client.query(described)  # the first: else it would not be broken
    assert await client.query("SELECT sum(a) FROM default.asked") == [(10,)]


@pytest.mark.parametrize("kind", ["bad_frame", "page", "short_length"])
async def test_what_the_driver_asks_first_may_be_broken_too(clickhouse_front: Front, kind: str) -> None:
    """Its first answers tell it the server's settings."""
    made = ClickHouse(clickhouse_front.url, threads=1)
    clickhouse_front.arm(kind, "system.settings")
    with pytest.raises(ClickHouseUnavailable):
        await made.query("SELECT 1")
    assert await made.query("SELECT 1") == [(1,)]
    await made.close()


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A front of this module's own, to be killed."""
    with running_front(tmp_path_factory.mktemp("mortal") / "front") as front:
        yield front


@pytest.fixture(scope="module")
async def mortal_ledger(mortal: Front) -> AsyncIterator[tuple[ClickHouse, PreparedLedger]]:
    """A ledger on it."""
    clickhouse = ClickHouse(mortal.url)
    yield clickhouse, PreparedLedger(clickhouse, Names("ledger", "gateway"))
    await clickhouse.close()


@pytest.mark.parametrize(
    ("table", "moment"), [("key_tag_change_v1", "hold_before"), ("event_applied_v1", "hold_after")]
)
async def test_a_server_killed_in_the_middle_of_an_insert_loses_and_doubles_nothing(
    mortal: Front, mortal_ledger: tuple[ClickHouse, PreparedLedger], table: str, moment: str
) -> None:
    """The projector goes on when the server is back, and the ledger is that of a fresh replay."""
    clickhouse, prepared = mortal_ledger
    names = await prepared.take()
    log, store = MemoryEventLog(), Store(clickhouse, names)
    await fill(log, seed=7, count=10)
    head = (await log.head()).position
    mortal.arm(moment, f"INTO {names.database}.{table}")
    projector = asyncio.create_task(Projector(LogTail(log), store, str(log.log_id), poll_s=0.05).run())
    await mortal.held()
    await asyncio.to_thread(mortal.kill)
    await asyncio.to_thread(mortal.start)
    async with asyncio.timeout(60):
        while (await store.applied()).position < head:
            await asyncio.wait({projector}, timeout=0.05)
            assert not projector.done(), projector
    projector.cancel()
    await asyncio.gather(projector, return_exceptions=True)
    survived = await contents(clickhouse, names)
    await prepared.take()
    await project(log, Store(clickhouse, names))
    assert await contents(clickhouse, names) == survived


async def test_a_wrong_login_and_a_missing_database_are_told_with_their_place(clickhouse_front: Front) -> None:
    """The server's own text quotes the statement, and stays out."""
    place = clickhouse_front.url.rpartition("@")[2].removeprefix("http://")
    stranger = ClickHouse(f"http://ghost:correct-horse@{place}", threads=1)
    with pytest.raises(
        ClickHouseRefused, match=f"516.*http://{place}, user ghost.*KEYLEDGER_CLICKHOUSE_URL"
    ) as refused:
        await stranger.query("SELECT 1")
    assert "correct-horse" not in str(refused.value)
    assert place not in refused.value.public
    await stranger.close()
    client = ClickHouse(clickhouse_front.url, threads=1)
    with pytest.raises(ClickHouseRefused, match=f"81, UNKNOWN_DATABASE.*{place}.*keyledger ddl"):
        await client.query("SELECT * FROM nowhere.secret_thing")
    await client.close()
