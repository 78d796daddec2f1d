"""Exchanges the tables of a replayed ledger with the live ones, unnoticed by writers and readers.

The steps, and what each guarantees if the process dies right after it:
1 hold       the applied position of the live ledger stays where it is; writers continue to write after it.
2 catch up   the replayed tables hold every event that a bill in progress can have a position of.
3 plan       which tables are to be live is recorded, so that another run can finish the switch.
4 exchange   table by table. A mix is harmless while the position is held: both sides have all rows up to it.
5 catch up   what writers gave to the old tables meanwhile, at most what the log had after the last exchange.
6 release    the live ledger has applied everything that the old one had, and more.

Without the hold, a bill could be made from the old event_applied and a new table that lacks the latest events.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Final

from audit.replay.projecting import project_into, with_retries
from audit.replay.shadow_ledger import ShadowLedger
from projections.engine.client import ClickHouse
from projections.engine.templates import Names, sql
from projections.errors import ClickHouseUnavailable, ProjectionError
from projections.ledger.dead_letters import SWITCH, DeadLetter, DeadLetters
from projections.ledger.store import Store
from registry.errors import Busy
from registry.log.event_log import EventLog
from registry.log.log_position import LogPosition, position_in
from registry.progress import Progress

TABLES: Final = (
    "key_tag_change_v1",
    "key_life_v1",
    "key_credential_v1",
    "usage_anchor_v1",
    "usage_anchor_day_v1",
    "price_change_v1",
    "ledger_tally_v2",
    "applied_checkpoint_v1",
    "event_applied_v1",
)
# A replay that lags by no more than this catches up with the rest while the position is held.
SOON: Final = 1000
_LETTERS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class SwitchPlan:
    """The tables that are to be live, by UUID. Each holds every event up to `at`."""

    uuids: dict[str, str]
    at: LogPosition


class Switch:
    """The switch of the live ledger to the one in `second`. Methods raise ClickHouseError, RegistryError."""

    def __init__(self, log: EventLog, clickhouse: ClickHouse, live: Names, second: ShadowLedger) -> None:
        self._log = log
        self._clickhouse = clickhouse
        self._live = live
        self._shadow = second
        self._letters = DeadLetters(clickhouse, live)

    async def planned(self) -> SwitchPlan | None:
        """The plan recorded before the first exchange; None if there is none."""
        if "replay_switch_v1" not in await self._shadow.uuids():
            return None
        rows = await self._clickhouse.query(sql("queries/replay/planned", self._shadow.names))
        if not rows:
            return None
        return SwitchPlan({name: uuid for name, uuid, _ in rows}, await position_in(self._log, rows[0][2]))

    async def holding(self) -> bool:
        """Whether this switch holds the live ledger: it is running, or was interrupted."""
        return bool(await self._holds())

    async def approach(self, batch: int) -> AsyncGenerator[Progress, None]:
        """Bring the replayed ledger so close to the head that the rest takes a moment, or as close as writers allow."""
        store, before = Store(self._clickhouse, self._shadow.names), math.inf
        while True:
            head, applied = (await self._log.head()).position, await store.applied()
            lag = head - applied.position
            if lag <= SOON or lag >= before:
                return
            before = lag
            async with aclosing(project_into(self._log, store, applied, head, batch=batch)) as positions:
                async for position in positions:
                    yield Progress("catching up", position, head)

    async def finish(self) -> int:
        """Begin the switch, or resume an interrupted one; returns the position that is live afterwards.

        Raises Busy if less is applied than before, which only an open dead letter can cause.
        """
        store = Store(self._clickhouse, self._live)
        before = (await with_retries(store.applied)).position
        await self._hold(before)
        planned = await with_retries(self.planned) or await self._plan()
        for table in TABLES:
            await with_retries(lambda: self._exchange(table, planned.uuids[table]))  # noqa: B023 - awaited here
        # Writers that wrote to a table before its exchange had read the event from the log.
        head = (await with_retries(self._log.head)).position
        await with_retries(lambda: self._catch_up(store, planned.at, head))
        await with_retries(self.release)
        await with_retries(store.reload_dictionary)
        position = (await with_retries(store.applied)).position
        if position < before:
            raise Busy(f"position {before} was applied, {position} is now: see keyledger status", position=position)
        return position

    async def release(self) -> None:
        """Release the applied position, if this switch holds it."""
        if holds := await self._holds():
            await self._letters.decide(holds, "replayed", "the tables are exchanged")

    async def _hold(self, position: int) -> None:
        if await self._holds():
            return
        target = self._shadow.names.database
        # A new id for each attempt: an id that was decided holds nothing any more.
        id_ = f"replay/{target}/{secrets.token_hex(6)}"
        detail = f"the tables of the ledger change places with those of {target}"
        await with_retries(lambda: self._letters.hold(id_, detail, position))

    async def _holds(self) -> list[DeadLetter]:
        prefix = f"replay/{self._shadow.names.database}/"
        found = await self._letters.find("open", limit=_LETTERS)
        return [one for one in found if one.kind == SWITCH and one.id.startswith(prefix)]

    async def _plan(self) -> SwitchPlan:
        try:
            head, uuids = await with_retries(self._made_ready)
        except Exception:
            # Nothing was exchanged: the live ledger is unchanged, and need not wait for the next attempt.
            with suppress(ProjectionError):
                await self.release()
            raise
        rows = [(table, uuids[table], head) for table in TABLES]
        table = f"{self._shadow.names.database}.replay_switch_v1"
        await with_retries(lambda: self._clickhouse.insert(table, rows, ("name", "uuid", "position")))
        return SwitchPlan(uuids, await position_in(self._log, head))

    async def _made_ready(self) -> tuple[int, dict[str, str]]:
        store = Store(self._clickhouse, self._shadow.names)
        # After the hold: every position that anybody can have read is in the log by now.
        head = (await self._log.head()).position
        await self._catch_up(store, await store.applied(), head)
        return head, await self._shadow.uuids()

    async def _exchange(self, table: str, uuid: str) -> None:
        servers, placed = await self._placed(table, uuid)
        if placed == 0:
            target = self._shadow.names.database
            await self._clickhouse.command(sql("queries/replay/exchange", self._live, table=table, target=target))
            servers, placed = await self._placed(table, uuid)  # sent twice, it undoes itself
        if placed < servers:
            # If some servers have exchanged, repeating it would bring their old table back.
            raise ClickHouseUnavailable(f"{servers - placed} of {servers} servers have not exchanged {table} yet")

    async def _placed(self, table: str, uuid: str) -> tuple[int, int]:
        cluster = self._live.cluster
        system_tables = f"clusterAllReplicas('{cluster}', system.tables)" if cluster else "system.tables"
        statement = sql("queries/replay/placed", self._live, system_tables=system_tables)
        where = {"uuid": uuid, "database": self._live.database, "table": table}
        [(servers, placed)] = await self._clickhouse.query(statement, where)
        return servers, placed

    async def _catch_up(self, store: Store, applied: LogPosition, until: int) -> None:
        async for _ in project_into(self._log, store, applied, until):
            pass
