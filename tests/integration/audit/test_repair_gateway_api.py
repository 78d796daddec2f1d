"""POST /operator/audit/repair with a gateway's table: state, then the table, and nothing while the log is wrong."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from gateways.tensorzero.append_hook import KeyTableHook
from gateways.tensorzero.key_table import GatewayTable
from keyledger.http.app import operator_app
from keyledger.runtime.gateway import GatewayKeys
from keyledger.settings import Settings
from registry.log.postgres import PostgresEventLog
from tests.support.audit.ledger_world import Ledger
from tests.support.gateway.key_table import FOREIGN, everything, make_table
from tests.support.gateway.syncing import World, running
from tests.support.servers.databases import Database

TABLE = "tensorzero_auth_api_key"
SWAPPED = "f" * 64


@dataclass
class Operator:
    """The operator's app over a ledger, with the gateway's table in the log's database, all of it in order."""

    client: httpx.AsyncClient
    ledger: Ledger
    database: Database
    revoked: dict[str, Any]

    async def sql(self, *statements: str) -> None:
        """Run statements as the owner."""
        async with self.database.connect() as owner:
            for statement in statements:
                await owner.execute(statement)

    async def repair(self) -> list[tuple[str, Any]]:
        """The parts of its answer, each with its kind, but for those that tell how far it is."""
        answer = await self.client.post("/operator/audit/repair")
        assert answer.status_code == 200
        assert SWAPPED not in answer.text
        parts = [next(iter(json.loads(line).items())) for line in answer.text.splitlines()]
        return [one for one in parts if one[0] != "progress"]


@pytest.fixture
async def operator(ledger: Ledger, database: Database) -> AsyncIterator[Operator]:
    """A key that works and one that has ended."""
    services = ledger.api.services
    assert isinstance(services.registry.log, PostgresEventLog)
    await make_table(database)
    table = GatewayTable(services.registry.engine)
    await ledger.api.make_key(description="Kasse 3 ☕")
    revoked = await ledger.api.make_key()
    await ledger.api.call("DELETE", f"/admin/api-keys/{revoked['public_id']}")
    async with running((world := World(services.registry.log, services.registry.engine, table)).sync()):
        await world.synced()
    await ledger.apply()
    settings = Settings(migration_database_url=database.owner_url)
    services = replace(
        services,
        registry=replace(services.registry, settings=settings, gateway=GatewayKeys(table, KeyTableHook("public"))),
    )
    transport = httpx.ASGITransport(operator_app(services))
    async with httpx.AsyncClient(transport=transport, base_url="http://operator") as client:
        made = Operator(client, ledger, database, revoked)
        await made.sql(FOREIGN)
        yield made


def told(row: tuple[object, ...]) -> tuple[object, ...]:
    """The columns of a row that say something of its key."""
    return (*row[2:10], row[11])


async def test_what_is_wrong_in_both_places_is_made_anew_and_what_can_not_be_is_told(operator: Operator) -> None:
    before = await everything(operator.database)
    await operator.sql(
        "UPDATE keyledger.key_state SET revoked_at = NULL,"
        " document = jsonb_set(document::jsonb, '{revoked_at}', 'null')::text",
        f"UPDATE {TABLE} SET disabled_at = NULL WHERE disabled_at IS NOT NULL",
        "INSERT INTO keyledger.credential (credential_id, public_id, secret_hash)"
        f" VALUES ('Zmallory0000', '{operator.revoked['public_id']}', '{SWAPPED}')",
        f"INSERT INTO {TABLE} (organization, workspace, public_id, hash)"
        f" VALUES ('default', 'default', 'Zmallory0000', '{SWAPPED}')",
    )
    (kind, finding), result = await operator.repair()
    assert (kind, finding["kind"], finding["where"]) == ("finding", "extra", TABLE)
    assert result == (
        "result",
        {"repaired": {"positions": 0, "streams": 1, "gateway_rows": 1, "usage_entries": 0}, "findings": 1},
    )
    after = [row for row in await everything(operator.database) if "Zmallory0000" not in row]
    assert [told(row) for row in after] == [told(row) for row in before]
    assert [row[0] == old[0] for row, old in zip(after, before, strict=True)].count(False) == 1, "the one that differed"
    assert await operator.repair() == [
        ("result", {"repaired": {"positions": 0, "streams": 0, "gateway_rows": 0, "usage_entries": 0}, "findings": 0})
    ]


async def test_while_the_log_is_wrong_nothing_is_written(operator: Operator) -> None:
    await operator.sql(
        "ALTER TABLE keyledger.event DISABLE TRIGGER event_append_only",
        "UPDATE keyledger.event SET reason = 'mallory' WHERE position = 1",
        f"UPDATE {TABLE} SET disabled_at = NULL",
    )
    before = await everything(operator.database)
    *findings, result = await operator.repair()
    assert result[1]["repaired"] is None
    assert {TABLE, "event"} <= {finding["where"] for _, finding in findings}
    assert await everything(operator.database) == before
