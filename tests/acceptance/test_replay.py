"""The ledger, rebuilt by command next to a running `up`, through kill -9 of it, and switched to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from keyledger.demo.gateway_rows import KeyUse, generate
from keyledger.embedded.folder import DataFolder
from keyledger.embedded.operator_socket import socket_path_for_client
from registry.instant import parse_instant, to_ms
from tests.support.kafka_world import until
from tests.support.oracle.truth import SINCE, UNTIL
from tests.support.portal import AdminClient
from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.registry_process import RegistryProcess

LEDGER = {
    "key_tag_change_v1": "*",
    "key_life_v1": "*",
    "key_credential_v1": "*",
    "event_applied_v1": "* EXCEPT applied_at",
}


async def fill(portal: AdminClient, keys: int) -> list[dict[str, Any]]:
    """KeyService, each edited once."""
    made = [await portal.create({"customer_id": f"customer-{number % 7}"}) for number in range(keys)]
    for number, key in enumerate(made):
        await portal.edit(key["public_id"], {"tags": {"customer_id": f"moved-{number % 5}"}})
    return made


async def kill_when(registry: RegistryProcess, sql: str, *command: str) -> None:
    """Run a command, kill `up` as soon as the statement counts something, and start it again."""
    with socket_path_for_client(DataFolder(registry.folder)) as path:
        transport = httpx.AsyncHTTPTransport(uds=path)
        async with httpx.AsyncClient(transport=transport, base_url="http://operator", timeout=60) as client:

            async def counted() -> bool:
                answer = await client.post("/operator/sql", json={"sql": sql})
                return answer.is_success and int(answer.json()["rows"][0][0]) > 0

            running = asyncio.create_task(registry.command(*command))
            watching: Callable[[], Awaitable[bool]] = counted
            await until(watching)
            await registry.kill()
    code, _, err = await running
    assert code in (0, 1), err  # it may have been done by then; cut off, it says so without a trace
    assert "Traceback" not in err
    await registry.start()


async def rows(registry: RegistryProcess, database: str) -> list[str]:
    """The rows of a ledger, each once, as texts."""
    found = []
    for table, columns in LEDGER.items():
        made = await registry.json("sql", f"SELECT DISTINCT {columns} FROM {database}.{table} ORDER BY ALL")
        found += [f"{table} {json.dumps(row, sort_keys=True)}" for row in made]
    return found


async def bill_of(registry: RegistryProcess, database: str) -> Any:
    """The bill as finance's own SQL asks a ledger for it."""
    parameters = "since = '2026-01-01 00:00:00.000', until = '2100-01-01 00:00:00.000', known_at = 18446744073709551615"
    return await registry.json("sql", f"SELECT * FROM {database}.bill(tag = 'customer_id', {parameters})")


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_the_ledger_is_made_anew_through_kills_compared_and_put_live(
    tmp_path: Path, initialised: InitialisedFolder
) -> None:
    # On a slow machine an anchor of the usage would come in between.
    registry = await initialised.registry(tmp_path / "data", environ={"KEYLEDGER_USAGE_ANCHOR_S": "3600"})
    await registry.start()
    async with registry.portal() as portal:
        keys = await fill(portal, 60)
        uses = [KeyUse(key["public_id"], to_ms(parse_instant(key["created_at"]))) for key in keys]
        await registry.load(generate(5, uses, uses[0].since_ms, uses[-1].since_ms + 1000, 300), tmp_path / "rows")
        bill = await portal.bill(group_by=["customer_id"], since=SINCE, until=UNTIL)
    head = bill["position"]
    assert head == 1 + 2 * len(keys)
    again = ("audit", "replay", "--into", "again")
    await kill_when(registry, "SELECT count() > 12 FROM system.tables WHERE database = 'again'", *again)
    await kill_when(registry, f"SELECT count() FROM again.key_tag_change_v1 WHERE position > {head // 2}", *again)
    ended = await registry.json(*again)
    assert ended == {
        "target": "again", "position": head, "compared": head, "differences": 0, "switched": False,
        "live_position": head, "items": [],
    }  # fmt: skip
    right = await rows(registry, "keyledger")
    assert await rows(registry, "again") == right
    assert len(right) > 4 * len(keys)
    assert await bill_of(registry, "again") == await bill_of(registry, "keyledger") != []

    await registry.json("sql", "ALTER TABLE keyledger.key_tag_change_v1 UPDATE value = 'mallory' WHERE position <= 30 "
                               "SETTINGS mutations_sync = 2")  # fmt: skip
    assert await bill_of(registry, "again") != await bill_of(registry, "keyledger")
    code, out, err = await registry.command(*again)
    assert (code, err) == (1, "keyledger: the live ledger differs from the log at 29 places\n")
    assert "CHANGED key_tag_change_v1 at position 9: lacks 1 of its rows and has 1 that the log does not give" in out
    await kill_when(registry, "SELECT count() FROM keyledger.dead_letter_v1", *again, "--switch")
    code, out, err = await registry.ask(*again, "--switch")
    assert code in (0, 1), err  # 0 where the kill came so late that only the rest of the switch was left to do
    assert f"the new ledger is live, applied up to position {head}; again keeps the old one" in out
    assert (await registry.ask("status"))[0] == 0
    assert await rows(registry, "keyledger") == right != await rows(registry, "again")
    async with registry.portal() as portal:
        assert await portal.bill(group_by=["customer_id"], since=SINCE, until=UNTIL) == bill
        await fill(portal, 1)  # and the projector goes on in the new one
        assert (await portal.bill(group_by=[], since=SINCE, until=UNTIL))["position"] == head + 2

    code, out, _ = await registry.ask("audit", "replay", "--drop", "again")
    assert (code, out.startswith("dropped again with ")) == (0, True)
    code, _, err = await registry.ask("audit", "replay", "--drop", "again")
    assert (code, "there is no ledger again" in err) == (1, True)
    assert await registry.stop() == 0


async def test_wrong_use_is_refused_before_anything_is_done(tmp_path: Path, initialised: InitialisedFolder) -> None:
    registry = await initialised.registry(tmp_path / "data")
    await registry.start()
    for arguments, code, word in (
        ((), 2, "--into"),
        (("--into", "a", "--drop", "a"), 2, "--into"),
        (("--drop", "a", "--switch"), 2, "--drop goes alone"),
        (("--into", "a", "--until", "1", "--switch"), 2, "--until"),
        (("--into", "a", "--until", "99"), 1, "beyond the head of the log, 1"),
        (("--into", "keyledger"), 1, "keyledger is a database of something else"),
        (("--into", "tensorzero"), 1, "tensorzero is a database of something else"),
        (("--into", "system"), 1, "system is a database of something else"),
        (("--into", "x; DROP DATABASE keyledger"), 1, "must be letters, digits and underscores"),
        (("--into", "x" * 65), 1, "target"),
        (("--drop", "../tokens"), 1, ""),
        (("--drop", "tensorzero"), 1, "tensorzero is a database of something else"),
    ):
        ended, out, err = await registry.ask("audit", "replay", *arguments)
        assert (ended, out) == (code, ""), (arguments, err)
        assert word in err, arguments
    assert await registry.json("sql", "SELECT name FROM system.databases WHERE name IN ('a', 'x')") == []
    assert await registry.stop() == 0


async def test_a_caller_who_goes_away_stops_it_and_stands_in_nobodys_way(
    tmp_path: Path, initialised: InitialisedFolder
) -> None:
    registry = await initialised.registry(tmp_path / "data")
    await registry.start()
    async with registry.portal() as portal:
        await fill(portal, 40)
    with socket_path_for_client(DataFolder(registry.folder)) as path:
        transport = httpx.AsyncHTTPTransport(uds=path)
        async with httpx.AsyncClient(transport=transport, base_url="http://operator", timeout=60) as client:
            for _ in range(3):
                # The head of the answer comes before the work; leaving the block closes the connection.
                async with client.stream("POST", "/operator/audit/replay", json={"target": "again"}) as answer:
                    assert answer.status_code in (200, 409)  # 409 where the one before has not noticed yet

            async def free() -> bool:
                refusal = await client.delete("/operator/audit/replay/nothing")
                return str(refusal.json()["detail"]).startswith("there is no")

            await until(free)
    assert (await registry.json("audit", "replay", "--into", "again"))["differences"] == 0
    assert await registry.stop() == 0
