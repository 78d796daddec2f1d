"""Books and logs that are filled once in a session; each test gets a copy of the database and of the ledger's rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine

from projections.engine.client import ClickHouse
from registry.keys.events import CLOCK_STREAM, ClockDivergenceAccepted
from registry.log.event_log import NewEvent, Write
from registry.log.postgres import PostgresEventLog, open_log
from registry.tokens.service import NewToken, TokenService
from tests.support.audit.books_world import make_books
from tests.support.ledger.prepared import PreparedLedger, tables_with_rows
from tests.support.ledger.workload import OPERATOR, fill
from tests.support.records import NOON
from tests.support.servers.copies import Copies
from tests.support.servers.databases import Database, Server


@dataclass
class Filled:
    """One filling: copies of its log's database, and its ledger's rows by table."""

    copies: Copies
    template: Database
    rows: dict[str, str] = field(default_factory=dict)


@dataclass
class Filling:
    """What is filled so far. Use no ledger of the session while `books` or `log` runs for the first time."""

    server: Server
    empty: Database
    clickhouse: ClickHouse
    prepared: PreparedLedger
    filled: dict[str, Filled] = field(default_factory=dict)

    async def books(self, edits: int, *, described: bool = False) -> Filled:
        """Healthy books of so many edits; see `make_books`."""

        async def work(log: PostgresEventLog, engine: AsyncEngine, database: Database) -> None:
            names = await self.prepared.take()
            await make_books(log, engine, database, self.clickhouse, names, edits=edits, described=described)

        return await self._once(f"books_{edits}", work)

    async def log(self) -> Filled:
        """A log with keys and tokens, some ended, and with streams of every other kind."""

        async def work(log: PostgresEventLog, _engine: AsyncEngine, _database: Database) -> None:
            tokens = TokenService(log)
            finance = (await tokens.create(NewToken("finance", ("billing:read",)), OPERATOR)).token
            await tokens.create(NewToken("Büro für Schlüssel", ("keys:read", "keys:write")), OPERATOR)
            await fill(log, seed=21, count=60)
            await tokens.revoke(finance.token_id, OPERATOR)
            accepted = ClockDivergenceAccepted(NOON, NOON)
            await log.write(Write(CLOCK_STREAM, lambda _view: [NewEvent(accepted)], OPERATOR))

        return await self._once("log", work)

    async def restore(self, filled: Filled) -> None:
        """Give the session's ledger, which is empty, the rows of a filling."""
        for table, kept in filled.rows.items():
            await self.clickhouse.command(f"ALTER TABLE {table} ATTACH PARTITION ALL FROM {kept}")

    async def close(self) -> None:
        """Remove everything."""
        for name, filled in self.filled.items():
            await filled.copies.close()
            await self.server.drop(filled.template)
            await self.clickhouse.command(f"DROP DATABASE IF EXISTS {self._kept(name)}")

    async def _once(
        self, name: str, work: Callable[[PostgresEventLog, AsyncEngine, Database], Awaitable[None]]
    ) -> Filled:
        if name not in self.filled:
            await self.prepared.take()
            database = await self.server.copy(self.empty.name)
            async with database.engine() as engine:
                log = await open_log(engine)
                await work(log, engine, database)
                await log.close()
            self.filled[name] = Filled(Copies(self.server, database), database, await self._keep_rows(name))
        return self.filled[name]

    async def _keep_rows(self, name: str) -> dict[str, str]:
        kept = {}
        await self.clickhouse.command(f"CREATE DATABASE {self._kept(name)}")
        for table in await tables_with_rows(self.clickhouse, self.prepared.names):
            kept[table] = f"{self._kept(name)}.{table.partition('.')[2]}"
            await self.clickhouse.command(f"CREATE TABLE {kept[table]} AS {table}")
            await self.clickhouse.command(f"ALTER TABLE {kept[table]} ATTACH PARTITION ALL FROM {table}")
        await self.prepared.take()
        return kept

    def _kept(self, name: str) -> str:
        return f"{self.prepared.names.database}_{name}"
