"""A ledger beside the live one, in the same ClickHouse: which name it may have, how it is made, and how it goes."""

from __future__ import annotations

from typing import Final

from audit.errors import TargetUnfit
from projections.engine import ddl
from projections.engine.client import ClickHouse
from projections.engine.templates import Names, sql
from projections.errors import BadIdentifier

_RESERVED: Final = frozenset({"system", "information_schema", "default"})
# Of what kind a database must be so that tables change places with those of another one.
_EXCHANGING: Final = frozenset({"Atomic", "Shared"})
# ClickHouse refuses to drop large tables unless told that it is meant.
_ANY_SIZE: Final = {"max_table_size_to_drop": 0, "max_partition_size_to_drop": 0}


class ShadowLedger:
    """The database `target` beside the ledger of `live`. Making the object asks nothing; methods raise ClickHouseError.

    Raises TargetUnfit for a name that can't be one.
    """

    def __init__(self, clickhouse: ClickHouse, live: Names, target: str, log_id: str) -> None:
        self._clickhouse = clickhouse
        self._live = live
        self._log_id = log_id
        try:
            self.names = Names(target, live.gateway, cluster=live.cluster)
        except BadIdentifier as error:
            raise TargetUnfit(str(error)) from error
        if target in (live.database, live.gateway) or target.lower() in _RESERVED:
            raise TargetUnfit(f"{target} is a database of something else: choose another name")

    async def check(self) -> bool:
        """Whether it is there, as a replay made it. Raises TargetUnfit for what anybody else made.

        An empty database counts as not there: nothing of anybody's is in it, and an interrupted start leaves one.
        """
        tables = await self._tables()
        if not tables:
            return False
        target = self.names.database
        if "replay_v1" not in tables:
            raise TargetUnfit(f"{target} was not made by a replay: choose another name")
        for live, log_id in await self._clickhouse.query(sql("queries/replay/mark", self.names)):
            if live != self._live.database:
                raise TargetUnfit(f"{target} was made beside another ledger: choose another name")
            if log_id != self._log_id:
                raise TargetUnfit(f"{target} is the replay of another log: drop it, or choose another name")
        return True

    async def check_exchange(self) -> None:
        """Raise TargetUnfit where tables can't change places with those of the live ledger."""
        for database in (self._live.database, self.names.database):
            engines = await self._clickhouse.query(sql("queries/replay/database", self._live), {"database": database})
            if engines and engines[0][0] not in _EXCHANGING:
                raise TargetUnfit(f"{database} is no Atomic database: its tables can't change places with others")

    async def make(self) -> None:
        """Make what is missing of it, the mark first; may be repeated after any end. Call `check` before."""
        await ddl.apply(self._clickhouse, self.names, gateway_tables=False, shadow=True)
        if not await self._clickhouse.query(sql("queries/replay/mark", self.names)):
            mark = [(self._live.database, self._log_id)]
            await self._clickhouse.insert(f"{self.names.database}.replay_v1", mark, ("live", "log_id"))

    async def uuids(self) -> dict[str, str]:
        """The UUID of each of its tables and views, which a table keeps when it changes places."""
        return {name: uuid for name, (uuid, _) in (await self._tables()).items()}

    async def drop(self) -> int:
        """Drop it with all that is in it; answers with the rows that were in its tables. Call `check` before."""
        rows = sum(count for name, (_, count) in (await self._tables()).items() if not name.startswith("replay_"))
        await self._clickhouse.command(sql("queries/replay/drop", self.names), settings=_ANY_SIZE)
        return rows

    async def _tables(self) -> dict[str, tuple[str, int]]:
        found = await self._clickhouse.query(
            sql("queries/replay/tables", self.names), {"database": self.names.database}
        )
        return {name: (uuid, rows) for name, uuid, rows in found}
