"""A ledger next to the live one, in the same ClickHouse: its valid names, how it is created, and how it is dropped."""

from __future__ import annotations

from typing import Final

from audit.errors import TargetUnfit
from projections.engine import ddl
from projections.engine.client import ClickHouse
from projections.engine.templates import Names, sql
from projections.errors import BadIdentifier

_RESERVED: Final = frozenset({"system", "information_schema", "default"})
# The database engines whose tables can be exchanged with those of another database.
_EXCHANGING: Final = frozenset({"Atomic", "Shared"})
# ClickHouse refuses to drop large tables without these settings.
_ANY_SIZE: Final = {"max_table_size_to_drop": 0, "max_partition_size_to_drop": 0}


class ShadowLedger:
    """The database `target`, a ledger next to that of `live`. Creating the object runs no query.

    Raises TargetUnfit for an invalid name. Methods raise ClickHouseError.
    """

    def __init__(self, clickhouse: ClickHouse, live: Names, target: str, log_id: str) -> None:
        self._clickhouse = clickhouse
        self._live = live
        self._log_id = log_id
        try:
            self.names = Names(target, live.gateway, cluster=live.cluster, journal_of=live.journal)
        except BadIdentifier as error:
            raise TargetUnfit(str(error)) from error
        if target in (live.database, live.gateway) or target.lower() in _RESERVED:
            raise TargetUnfit(f"{target} is a database of something else: choose another name")

    async def check(self) -> bool:
        """Whether it exists and was created by a replay. Raises TargetUnfit if something else created it.

        An empty database counts as missing: it holds nobody's data, and an interrupted start leaves one.
        """
        tables = await self._tables()
        if not tables:
            return False
        target = self.names.database
        if "replay_v1" not in tables:
            raise TargetUnfit(f"{target} was not made by a replay: choose another name")
        for live, log_id in await self._clickhouse.query(sql("queries/replay/mark", self.names)):
            if live != self._live.database:
                raise TargetUnfit(f"{target} was made for another ledger: choose another name")
            if log_id != self._log_id:
                raise TargetUnfit(f"{target} is the replay of another log: drop it, or choose another name")
        return True

    async def check_exchange(self) -> None:
        """Raise TargetUnfit if its tables can't be exchanged with those of the live ledger."""
        for database in (self._live.database, self.names.database):
            engines = await self._clickhouse.query(sql("queries/replay/database", self._live), {"database": database})
            if engines and engines[0][0] not in _EXCHANGING:
                raise TargetUnfit(f"{database} is not an Atomic database: its tables can't be exchanged with others")

    async def make(self) -> None:
        """Create whatever is missing, the mark first; may be repeated however it ended. Call `check` before."""
        await ddl.apply(self._clickhouse, self.names, gateway_tables=False, shadow=True)
        if not await self._clickhouse.query(sql("queries/replay/mark", self.names)):
            mark = [(self._live.database, self._log_id)]
            await self._clickhouse.insert(f"{self.names.database}.replay_v1", mark, ("live", "log_id"))

    async def uuids(self) -> dict[str, str]:
        """The UUID of each of its tables and views. A table keeps it when it is exchanged."""
        return {name: uuid for name, (uuid, _) in (await self._tables()).items()}

    async def drop(self) -> int:
        """Drop it with all its data; returns the number of rows in its tables. Call `check` before."""
        rows = sum(count for name, (_, count) in (await self._tables()).items() if not name.startswith("replay_"))
        await self._clickhouse.command(sql("queries/replay/drop", self.names), settings=_ANY_SIZE)
        return rows

    async def _tables(self) -> dict[str, tuple[str, int]]:
        found = await self._clickhouse.query(
            sql("queries/replay/tables", self.names), {"database": self.names.database}
        )
        return {name: (uuid, rows) for name, uuid, rows in found}
