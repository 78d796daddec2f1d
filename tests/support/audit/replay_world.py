"""A second ledger beside the books of a test, and what can be asked of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from audit.replay.replay import Replay, Replayed
from audit.report import Finding
from audit.sources import AuditSources
from projections.engine.client import ClickHouse, Row
from projections.engine.ddl import Names
from projections.errors import ClickHouseRefused
from projections.ledger.store import Store
from tests.support.ledger_tables import TABLES, contents

# Of a log of 199 events eight batches, the last of them smaller.
BATCH = 27


@dataclass(frozen=True, slots=True)
class ShadowWorld:
    """The live books, and the name of the database beside them."""

    books: AuditSources
    target: str

    @property
    def names(self) -> Names:
        """The databases of the second ledger."""
        return Names(self.target, self.books.names.gateway, journal_of=self.books.names.journal)

    async def replay(
        self, until: int | None = None, *, switch: bool = False, batch: int = 1000
    ) -> tuple[list[Finding], Replayed]:
        """What a replay finds, and its end."""
        replay = Replay(self.books, self.target, until, switch=switch)
        parts = [one async for one in replay.run(batch=batch)]
        assert isinstance(parts[-1], Replayed)
        return [one for one in parts if isinstance(one, Finding)], parts[-1]

    async def interrupted(self, parts: int) -> bool:
        """Replay in batches and stop after so many parts; whether there were more."""
        async with aclosing(Replay(self.books, self.target).run(batch=BATCH)) as replaying:
            async for _ in replaying:
                parts -= 1
                if parts == 0:
                    return True
        return False

    async def drop(self) -> int:
        """Drop it."""
        return await Replay(self.books, self.target).drop()

    async def live(self, until: int | None = None) -> list[list[Row]]:
        """The rows of the live ledger, those of later positions left out."""
        return await rows_of(self.books.clickhouse, self.books.names, until)

    async def replayed(self, until: int | None = None) -> list[list[Row]]:
        """The rows of the second ledger."""
        return await rows_of(self.books.clickhouse, self.names, until)

    async def applied(self) -> int:
        """How far the live ledger is."""
        return (await self.books.store.applied()).position

    async def uuids(self, names: Names) -> Mapping[str, str]:
        """Which tables stand in a ledger's database."""
        rows = await self.books.clickhouse.query(
            "SELECT name, toString(uuid) FROM system.tables WHERE database = {database:String} "
            "AND name IN {tables:Array(String)}",
            {"database": names.database, "tables": [*TABLES, "applied_checkpoint_v1"]},
        )
        return dict(rows)

    def dying(self, clickhouse: ClickHouse) -> ShadowWorld:
        """The same over another client."""
        return ShadowWorld(
            replace(self.books, clickhouse=clickhouse, store=Store(clickhouse, self.books.names)), self.target
        )


class Dies(ClickHouse):
    """A client whose process dies at its n-th statement of a kind: before it has effect, or after."""

    def __init__(self, url: str, statement: str, count: int, *, after: bool) -> None:
        super().__init__(url)
        self._statement, self._count, self._after = statement, count, after

    async def insert(self, table: str, rows: Sequence[Row], columns: Sequence[str]) -> None:
        """See ClickHouse."""
        if self._is_alive(f"INSERT INTO {table}") or self._after:
            await super().insert(table, rows, columns)
        self._die()

    async def command(self, sql: str, parameters: Any = None, settings: Any = None) -> None:
        """See ClickHouse."""
        if self._is_alive(sql) or self._after:
            await super().command(sql, parameters, settings)
        self._die()

    def _is_alive(self, statement: str) -> bool:
        self._count -= self._statement in statement
        return self._count > 0

    def _die(self) -> None:
        if self._count <= 0:
            raise ClickHouseRefused("it died here")


async def rows_of(clickhouse: ClickHouse, names: Names, until: int | None) -> list[list[Row]]:
    """The rows of a ledger's tables up to a position, each once."""
    places = dict(zip(TABLES, (3, 2, 3, 3, 4, 1, 0), strict=True))  # of the column `position`
    tables = zip(TABLES, await contents(clickhouse, names), strict=True)
    return [[row for row in rows if until is None or row[places[table]] <= until] for table, rows in tables]
