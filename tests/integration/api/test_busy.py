"""When the log can't take a write, or its database is away: 503 with Retry-After, and then it goes on."""

from __future__ import annotations

import pytest

from keyledger.runtime.diagnostics.log_lines import fields_of
from registry.log.append.writer import APPEND_LOCK
from tests.support.api.service import Api, assert_problem
from tests.support.servers.databases import Database, Server

KEYS = "/admin/api-keys"


async def test_a_stuck_lock_makes_writes_busy_but_not_reads(api: Api, database: Database) -> None:
    head = await api.head()
    async with database.connect() as holder:
        await holder.execute("SELECT pg_advisory_lock($1)", APPEND_LOCK)
        answer = await api.call("POST", KEYS, json={})
        assert_problem(answer, 503)
        assert int(answer.headers["retry-after"]) >= 1
        assert (await api.call("GET", KEYS)).status_code == 200
        assert await api.head() == head
    await api.make_key()


async def test_a_database_that_is_away_makes_everything_busy_until_it_is_back(
    api: Api, server: Server, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    key = (await api.make_key())["public_id"]
    await server.run(
        f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false",
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database.name}'",
    )
    for method, path, body in (
        ("POST", KEYS, {}),
        ("GET", KEYS, None),
        ("GET", f"{KEYS}/{key}", None),
        ("GET", f"{KEYS}/{key}/history", None),
        ("PATCH", f"{KEYS}/{key}", {"tags": {"a": "b"}}),
        ("DELETE", f"{KEYS}/{key}", None),
    ):
        answer = await api.call(method, path, json=body)
        assert_problem(answer, 503)
        assert answer.headers["retry-after"]
        assert database.name not in answer.text
        assert "127.0.0.1" not in answer.text
    assert (await api.client.get("/healthz")).status_code == 200
    unready = await api.client.get("/readyz")
    assert unready.status_code == 503
    assert database.name not in unready.text
    causes = [fields_of(record)["cause"] for record in caplog.records if fields_of(record).get("status") == 503]
    assert len(causes) == 7
    assert ", from " in causes[0], "the connection that was ended"
    assert all(f'database "{database.name}" is not currently accepting connections' in one for one in causes[1:6])
    assert all(f"database {database.name}, user" in one for one in causes), "the operator finds the cause in the log"
    await server.run(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS true")
    assert (await api.call("GET", f"{KEYS}/{key}")).json()["tags"] == {}
    assert (await api.patch(key, {"tags": {"a": "b"}})).json()["tags"] == {"a": "b"}
    again = [record.getMessage() for record in caplog.records if "answers again" in record.getMessage()]
    assert len(again) == 1, again
    assert again[0].startswith("GET /admin/api-keys/{public_id} answers again, ")
    assert again[0].endswith(" s after the first DatabaseAway")
