"""Books with a gateway's table of keys, which a sync has filled and nobody keeps any more: what is changed stays."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from audit.report import Finding
from audit.sources import AuditedGateway
from audit.verify.repair import repair_ledger, repair_state
from audit.verify.repair_gateway import repair_gateway
from audit.verify.verify import verify
from gateways.tensorzero.key_table import GatewayTable
from gateways.tensorzero.sync import Pace
from registry.db.connection import make_engine
from registry.keys.filters import KeyFilters
from registry.keys.state import KeyState
from registry.log.postgres import PostgresEventLog
from registry.queries import Queries
from tests.support.audit.books_world import DETAILS, Tampered
from tests.support.gateway.key_table import FOREIGN, everything, make_table
from tests.support.gateway.syncing import World, running
from tests.support.ledger.projecting import catch_up
from tests.support.servers.copies import Copies
from tests.support.servers.databases import Database

TABLE = "tensorzero_auth_api_key"
PACE = Pace(poll_s=0.05, refused_s=0.05)


@dataclass(frozen=True)
class Kept:
    """The books, the gateway's database, and the sync that can be run between them."""

    tampered: Tampered
    gateway: Database
    world: World

    async def sql(self, statement: str, *arguments: object) -> Any:
        """Run a statement in the gateway's database as its owner."""
        async with self.gateway.connect() as owner:
            return await owner.fetch(statement, *arguments)

    async def rows(self) -> list[tuple[object, ...]]:
        """The gateway's whole table, with the transaction that wrote each row."""
        return await everything(self.gateway)

    async def row(self, public_id: str) -> tuple[object, ...]:
        """One row of it."""
        (found,) = [row for row in await self.rows() if public_id in row]
        return found

    async def revoked(self) -> KeyState:
        """The key of the books that has details and has ended, everywhere."""
        (key,) = (await Queries(self.world.engine).keys(KeyFilters(status=("revoked",)), limit=1)).items
        assert key.details == DETAILS
        return key

    async def bring(self) -> None:
        """Run the sync until the table has everything, and bring ClickHouse to the head."""
        await self.sync()
        await self.project()

    async def sync(self) -> None:
        """Run the sync until the table has everything."""
        async with running(self.world.sync(PACE)):
            await self.world.until(target=await self.world.table.check())
            await self.world.synced()

    async def project(self) -> None:
        """Bring ClickHouse to the head alone."""
        await catch_up(self.world.log, self.tampered.books.store)

    async def findings(self, wait_s: float = 0.2) -> list[Finding]:
        """What an audit finds."""
        return [one async for one in verify(self.tampered.books, wait_s=wait_s) if isinstance(one, Finding)]

    async def repair(self, findings: Sequence[Finding]) -> int:
        """Make anew what is wrong, as `--repair` does; how many rows of the gateway's table that were."""
        owner = make_engine(self.tampered.database.owner_url)
        await repair_state(owner, findings)
        await owner.dispose()
        rows = await repair_gateway(self.tampered.books, findings)
        await repair_ledger(self.tampered.books, findings)
        return rows


@asynccontextmanager
async def keep(
    tampered: Tampered, log: PostgresEventLog, engine: AsyncEngine, blank: Copies, *, shared: bool
) -> AsyncIterator[Kept]:
    """The table in a database of its own, or in the log's; with a row that the gateway made itself."""
    gateway = tampered.database if shared else await blank.take()
    await make_table(gateway)
    async with gateway.connect() as owner:
        await owner.execute(FOREIGN)
    pool = make_engine(gateway.app_url)
    try:
        table = GatewayTable(pool)
        books = replace(tampered.books, gateway=AuditedGateway(table, is_shared=shared))
        kept = Kept(replace(tampered, books=books), gateway, World(log, engine, table))
        await kept.sync()
        yield kept
    finally:
        await pool.dispose()
        if not shared:
            blank.drop(gateway)
