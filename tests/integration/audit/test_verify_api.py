"""GET /audit/verify: for those alone who may, strict in what it takes, and whole in what it tells."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from tests.support.api.service import Api, assert_problem, open_api
from tests.support.ledger.projecting import catch_up
from tests.support.servers.databases import Database


@pytest.fixture
async def api(database: Database, clickhouse: ClickHouse, names: Names) -> AsyncIterator[Api]:
    """The public app with a key, projected."""
    async with open_api(database, clickhouse, names) as opened:
        await opened.make_key(tags={"customer_id": "acme"})
        await catch_up(opened.services.registry.log, opened.services.store)
        yield opened


def lines(text: str) -> list[tuple[str, Any]]:
    """The parts of an answer, each with its kind."""
    return [next(iter(json.loads(line).items())) for line in text.splitlines()]


async def test_it_tells_how_far_it_is_and_its_result(api: Api) -> None:
    answer = await api.call("GET", "/audit/verify")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    assert answer.headers["keyledger-position"] == str(await api.head())
    *before, (kind, result) = lines(answer.text)
    assert [(kind, part["stage"]) for kind, part in before] == [("progress", "log and ledger"), ("progress", "state")]
    assert (kind, result["findings"], result["position"]) == ("result", 0, await api.head())
    again = await api.call("GET", "/audit/verify", params={"bookmark": result["bookmark"]})
    assert lines(again.text)[-1] == (kind, result)


async def test_a_finding_says_where_and_what_to_do_and_shows_no_hash(api: Api, database: Database) -> None:
    async with database.connect() as owner:
        await owner.execute("UPDATE keyledger.credential SET secret_hash = repeat('f', 64)")
    answer = await api.call("GET", "/audit/verify")
    (finding,) = [part for kind, part in lines(answer.text) if kind == "finding"]
    assert (finding["kind"], finding["where"], finding["position"]) == ("changed", "credential", await api.head())
    assert "revoke" in finding["fix"]
    assert "ffff" not in answer.text
    assert lines(answer.text)[-1][1]["findings"] == 1


async def test_the_status_says_how_the_last_full_one_ended(
    api: Api, database: Database, clickhouse: ClickHouse
) -> None:
    assert (await api.services.status()).verified is None
    result = lines((await api.call("GET", "/audit/verify")).text)[-1][1]
    first = (await api.services.status()).verified
    assert first is not None
    assert (first.result, first.position, first.findings) == ("clean", await api.head(), 0)
    await api.call("GET", "/audit/verify", params={"bookmark": result["bookmark"]})
    again = (await api.services.status()).verified
    assert again is not None
    assert again.ended_at == first.ended_at, "one that resumes is not a full one"

    async with database.connect() as owner:
        await owner.execute("UPDATE keyledger.credential SET secret_hash = repeat('f', 64)")
    await api.call("GET", "/audit/verify")
    metrics = (await api.client.get("/metrics")).text
    assert 'keyledger_verify_age_seconds{result="findings"}' in metrics
    table = f"{api.services.names.database}.key_life_v1"
    away = f"{table}_away"
    await clickhouse.command(f"RENAME TABLE {table} TO {away}")
    try:
        assert lines((await api.call("GET", "/audit/verify")).text)[-1][0] == "error"
    finally:
        await clickhouse.command(f"RENAME TABLE {away} TO {table}")
    last = (await api.services.status()).verified
    assert last is not None
    assert (last.result, last.findings) == ("unfinished", None)
    assert "ClickHouse" in (last.failure or "")


async def test_one_whose_end_can_not_be_recorded_ends_all_the_same(api: Api, database: Database) -> None:
    async with database.connect() as owner:
        await owner.execute("DROP TABLE keyledger.last_verify")
    assert lines((await api.call("GET", "/audit/verify")).text)[-1][1]["findings"] == 0


async def test_only_auditors_may(api: Api) -> None:
    for name, status in (("reader", 403), ("billing", 403), ("revoked", 401)):
        assert_problem(await api.call("GET", "/audit/verify", by=name), status)


async def test_what_it_does_not_know_is_refused(api: Api) -> None:
    assert_problem(await api.call("GET", "/audit/verify", params={"bokmark": "x"}), 422, "bokmark")
    assert_problem(await api.call("GET", "/audit/verify", params={"bookmark": "x" * 3000}), 422, "bookmark")
    assert_problem(await api.call("GET", "/audit/verify", params={"bookmark": "x"}), 422, "bookmark")
    assert_problem(await api.call("POST", "/audit/verify"), 405)
