"""Readiness of the API is that of the write path: a ClickHouse that is away must not take revocation with it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from uuid import uuid4

import httpx
import pytest

from keyledger.http.app import operations_app, public_app
from keyledger.runtime.connections import clickhouse_client
from keyledger.runtime.serving.health import Health, RecentStatus
from keyledger.runtime.status import Status, status_of
from keyledger.settings import Settings
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.errors import ClickHouseUnavailable
from registry.db.write_path import write_path_fault
from registry.parts.heartbeats import Beat, Heartbeats, Place, Silence
from tests.support.api.service import Api, assert_problem, open_api
from tests.support.processes.in_process import run_in_process
from tests.support.servers.broker import free_port
from tests.support.servers.databases import Database, plain

KEYS = "/admin/api-keys"


@contextmanager
def away() -> Iterator[ClickHouse]:
    """A ClickHouse that nothing listens for."""
    yield ClickHouse(f"http://127.0.0.1:{free_port()}")


@asynccontextmanager
async def hung() -> AsyncIterator[str]:
    """The URL of a ClickHouse that takes connections and says nothing, until the block ends."""
    writers: list[asyncio.StreamWriter] = []

    async def keep(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    async with await asyncio.start_server(keep, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        server.close()
        for writer in writers:
            writer.close()


async def assert_keys_are_made_and_revoked(api: Api) -> None:
    """What a balancer must not take away."""
    made = (await api.make_key())["public_id"]
    assert (await api.call("DELETE", f"{KEYS}/{made}")).json()["status"] == "revoked"


async def test_without_clickhouse_serve_is_ready_and_bills_are_not(database: Database) -> None:
    with away() as clickhouse:
        async with open_api(database, clickhouse, Names()) as api:
            await assert_keys_are_made_and_revoked(api)
            answer = await api.client.get("/readyz")
            assert answer.status_code == 200, answer.text
            seen = answer.json()
            assert seen["status"] == "ready"
            assert [(one["kind"], one["part"]) for one in seen["alarms"]] == [("clickhouse_down", "billing")]
            assert (seen["dead_letters_open"], seen["projectors"]) == (None, []), "what is not known is not shown as 0"
            answer = await api.client.get("/readyz?part=billing")
            assert_problem(answer, 503)
            assert "ClickHouse cannot be reached" in answer.json()["detail"]
            metrics = (await api.client.get("/metrics")).text
            for line in (
                "keyledger_up 1.0",
                'keyledger_ready{part="serve"} 1.0',
                'keyledger_ready{part="billing"} 0.0',
                'keyledger_alarms{kind="clickhouse_down"} 1.0',
            ):
                assert line in metrics.splitlines(), metrics
            assert "keyledger_applied_position{" not in metrics


async def test_a_clickhouse_that_hangs_leaves_the_write_path_ready(database: Database) -> None:
    async with hung() as url:
        clickhouse = ClickHouse(url)
        async with open_api(database, clickhouse, Names()) as api:
            answer = await api.client.get("/readyz")
            assert answer.status_code == 200, answer.text
            assert "does not answer in time" in answer.json()["alarms"][0]["detail"]
            await assert_keys_are_made_and_revoked(api)
    await clickhouse.close()


async def test_what_the_status_asks_of_a_clickhouse_that_hangs_ends_by_itself() -> None:
    """A thread that waited for minutes kept `keyledger status` from ending after it had said all."""
    async with hung() as url:
        look = clickhouse_client(Settings(), url, answer_s=0.2)
        with pytest.raises(ClickHouseUnavailable):
            await asyncio.wait_for(look.query("SELECT 1"), 30)
        await look.close()


async def test_status_shows_the_log_s_half_without_clickhouse_and_fails(
    database: Database, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.make_key()
    for name in [one for one in os.environ if one.startswith("KEYLEDGER_") and "TEST" not in one]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KEYLEDGER_DATABASE_URL", plain(database.app_url))
    monkeypatch.setenv("KEYLEDGER_CLICKHOUSE_URL", f"http://127.0.0.1:{free_port()}")
    code, out, err = await run_in_process("status")
    assert code == 1, err
    assert f"head {await api.head()}" in out
    assert "ALARM clickhouse_down: no bill is made" in out
    assert "audit verify: has not run in full yet" in out
    assert "usage: not known while ClickHouse does not answer" in out
    assert "an alarm is open" in err


@pytest.mark.parametrize(
    ("broken", "mended", "words"),
    [
        (
            "REVOKE INSERT ON keyledger.event FROM {role}",
            "GRANT INSERT ON keyledger.event TO {role}",
            "may not append",
        ),
        (
            "UPDATE keyledger.alembic_version SET version_num = '0001'",
            "UPDATE keyledger.alembic_version SET version_num = '0042'",
            "schema version 0001, older than",
        ),
        (
            "ALTER DATABASE {name} SET default_transaction_read_only = on",
            "ALTER DATABASE {name} RESET default_transaction_read_only",
            "set to read only",
        ),
    ],
    ids=["grant", "schema", "read_only"],
)
async def test_what_can_not_be_appended_to_is_not_ready(
    database: Database, broken: str, mended: str, words: str
) -> None:
    async with database.connect(owner=False) as application:
        role = await application.fetchval("SELECT current_user")
    for statement, fault in ((broken, words), (mended, None)):
        async with database.connect() as owner:
            await owner.execute("SET default_transaction_read_only = off")  # by now it may be so for the owner, too
            await owner.execute(statement.format(role=role, name=database.name))
        async with database.engine() as engine:
            found = await write_path_fault(engine)
        assert (found is None) if fault is None else fault in (found or "")


async def test_a_database_that_takes_no_change_makes_serve_unready(api: Api, database: Database) -> None:
    await api.services.status()  # the engine takes its time to start
    async with database.connect() as owner:
        await owner.execute("UPDATE keyledger.alembic_version SET version_num = '0001'")
    answer = await api.client.get("/readyz")
    assert_problem(answer, 503)
    assert "run keyledger migrate" in answer.json()["detail"]


async def test_a_dead_or_lagging_part_is_an_alarm_and_leaves_serve_ready(
    database: Database, clickhouse: ClickHouse, names: Names
) -> None:
    async with open_api(database, clickhouse, names) as api:
        await api.make_key()  # which no projector takes to ClickHouse
        await api.services.status()  # the engine takes its time to start
        await Heartbeats(api.services.registry.engine).beat(
            [Beat(uuid4(), "relay", leads=True, succeeded_s=None)], Place("one", 7), 60, Silence(30, 3600)
        )
        async with database.connect() as owner:
            await owner.execute("UPDATE keyledger.heartbeat SET beat_at = beat_at - interval '54 s'")
        registry = replace(api.services.registry, settings=Settings(lag_alarm_s=0.001))
        app = public_app(replace(api.services, registry=registry))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://keyledger") as client:
            answer = await client.get("/readyz")
            relay, projector = [await client.get(f"/readyz?part={part}") for part in ("relay", "projector")]
            sync, billing = [await client.get(f"/readyz?part={part}") for part in ("sync", "billing")]
            metrics = (await client.get("/metrics")).text.splitlines()
    assert answer.status_code == 200
    assert {(one["kind"], one["part"]) for one in answer.json()["alarms"]} == {
        ("part_missing", "relay"),
        ("lag", "projector"),
    }
    assert (relay.status_code, "has given no sign of life for" in relay.text) == (503, True)
    assert (projector.status_code, "ClickHouse is" in projector.text) == (503, True)
    assert (sync.status_code, "no sync runs" in sync.text) == (503, True)
    assert billing.status_code == 200, "a bill says the position that it was made at"
    for line in (
        'keyledger_parts{part="relay",state="missing"} 1.0',
        'keyledger_ready{part="relay"} 0.0',
        'keyledger_ready{part="projector"} 0.0',
        'keyledger_ready{part="serve"} 1.0',
        'keyledger_alarms{kind="part_missing"} 1.0',
        'keyledger_alarms{kind="lag"} 1.0',
    ):
        assert line in metrics


async def test_a_misspelt_part_is_refused_and_not_answered_for_another(api: Api) -> None:
    for query in ("part=biling", "parts=billing"):
        assert_problem(await api.client.get(f"/readyz?{query}"), 422)


@pytest.mark.parametrize(
    ("failure", "status"), [(lambda: None, 200), (lambda: RuntimeError("the broker is gone"), 503)]
)
async def test_a_part_that_follows_the_log_is_ready_while_its_own_work_goes_on(
    api: Api, failure: Callable[[], Exception | None], status: int
) -> None:
    async def read() -> Status:
        return await status_of(api.services.registry)

    app = operations_app(Health(RecentStatus(read), failure, part="relay"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://relay") as client:
        for query in ("", "?part=relay"):
            assert (await client.get(f"/readyz{query}")).status_code == status
        billing = await client.get("/readyz?part=billing")
    assert (billing.status_code, "ask keyledger serve" in billing.text) == (503, True)
