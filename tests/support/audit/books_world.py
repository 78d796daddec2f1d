"""Books to audit: a log with keys and tokens on a real server, projected whole, and the means to tamper with them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from audit.report import Finding, Verdict
from audit.sources import AuditSources
from audit.verify.verify import verify
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.ledger.store import Store
from registry.db.connection import make_engine
from registry.keys.details import KeyDetails
from registry.log.postgres import PostgresEventLog
from registry.service import KeyService, NewKey
from registry.tokens.service import NewToken, TokenService
from tests.support.ledger.projecting import catch_up
from tests.support.ledger.workload import OPERATOR, fill, itself
from tests.support.servers.databases import Database

# Of the log that `make_books` fills with 100 edits.
HEAD = 205
DETAILS = KeyDetails("Kasse 3 ☕", "acme", "shop")


@dataclass(frozen=True)
class Tampered:
    """The books, and a way past every guard to what is below them."""

    books: AuditSources
    database: Database

    async def sql(self, statement: str, *arguments: object) -> Any:
        """Run a statement as the owner, who can take the guards of the log away."""
        async with self.database.connect() as owner, owner.transaction():
            await owner.execute("ALTER TABLE keyledger.event DISABLE TRIGGER event_append_only")
            rows = await owner.fetch(statement, *arguments)
            await owner.execute("ALTER TABLE keyledger.event ENABLE ALWAYS TRIGGER event_append_only")
            return rows

    async def clickhouse(self, statement: str) -> None:
        """Run a ClickHouse statement, `{db}` being the ledger's database, and wait until it has had effect."""
        await self.books.clickhouse.command(
            statement.replace("{db}", self.books.names.database), settings={"mutations_sync": 2}
        )

    async def findings(self, bookmark: str | None = None) -> Sequence[Finding]:
        """What an audit finds."""
        told = [one async for one in verify(self.books, bookmark, wait_s=0.2)]
        found = [one for one in told if isinstance(one, Finding)]
        verdict = told[-1]
        assert isinstance(verdict, Verdict)
        assert verdict.findings == len(found)
        return found


def open_books(
    log: PostgresEventLog, engine: AsyncEngine, database: Database, clickhouse: ClickHouse, names: Names
) -> Tampered:
    """The books of a log and a ledger, as they are."""
    return Tampered(AuditSources(log, engine, clickhouse, names, Store(clickhouse, names)), database)


async def make_books(
    log: PostgresEventLog, engine: AsyncEngine, database: Database, clickhouse: ClickHouse, names: Names, *,
    edits: int, described: bool,
) -> Tampered:  # fmt: skip
    """Fill the log and project it; the last key has details and has ended, or no key has details."""
    made = open_books(log, engine, database, clickhouse, names)
    tokens = TokenService(log)
    await tokens.create(NewToken("portal", ("keys:read", "keys:write")), OPERATOR)
    finance = (await tokens.create(NewToken("finance", ("billing:read",)), OPERATOR)).token
    await fill(log, seed=71, count=edits)
    await tokens.revoke(finance.token_id, OPERATOR)
    if described:
        keys = KeyService(log, itself)
        key = (await keys.create(NewKey(details=DETAILS), OPERATOR)).key
        await keys.revoke(key.public_id, OPERATOR)
    await catch_up(log, made.books.store)
    return made


@asynccontextmanager
async def owner_engine(tampered: Tampered) -> AsyncIterator[AsyncEngine]:
    """A pool of the tables' owner."""
    engine = make_engine(tampered.database.owner_url)
    yield engine
    await engine.dispose()
