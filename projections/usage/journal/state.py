"""How far the journal is, as its tables say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from projections.engine.client import ClickHouse
from projections.engine.templates import Names, sql
from projections.together import together
from projections.usage.journal.parts import Ledger, Part, Place, Range, Taken
from projections.usage.tables import PAST, TABLES

_COLLECTOR: Final = "collector"  # in the column `projector` of projector_stop_v1
LAST_NUMBER = 2**128 - 1


@dataclass(frozen=True, slots=True)
class Folded:
    """The last batch that counts: it took up the rows of inserts up to `take_to`, of inferences up to `until_number`.

    Of inferences after that, only rows up to `take_from` are taken up.
    """

    batch: int = 0
    take_from: int = 0
    take_to: int = 0
    until_number: int = LAST_NUMBER

    @property
    def complete(self) -> bool:
        """Whether all inferences are taken up."""
        return self.until_number == LAST_NUMBER


@dataclass(frozen=True, slots=True)
class State:
    """The last batch that counts, the last insert of rows, and the last attempt at a batch."""

    folded: Folded
    take: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Pinned:
    """What of the journal counts: entries of batches up to `batch` but for those `given_up`. It never changes.

    `vanished`: some inferences were taken back whole by then.
    """

    batch: int
    given_up: tuple[int, ...] = ()
    vanished: bool = False

    @property
    def parameters(self) -> dict[str, Any]:
        """As parameters of a statement."""
        return {"batch": self.batch, "given_up": list(self.given_up)}


@dataclass(frozen=True, slots=True)
class Behind:
    """How far the journal is: its last batch, how many rows of the gateway's it lacks, and for how long it has lacked
    the first of them.
    """

    batch: int
    uncollected: int
    lag_s: float
    failure: str | None


class Journal:
    """The journal's tables, to read. Methods raise ClickHouseError."""

    def __init__(self, clickhouse: ClickHouse, names: Names) -> None:
        self.clickhouse = clickhouse
        self.names = names

    async def id(self) -> UUID:
        """Which journal this is; made at the first call."""
        query = f"SELECT journal FROM {self.names.journal}.usage_journal_v1 ORDER BY made_at, journal LIMIT 1"  # noqa: S608 - a checked identifier
        if not (found := await self.clickhouse.query(query)):
            await self.clickhouse.insert(f"{self.names.journal}.usage_journal_v1", [(uuid4(),)], ("journal",))
            found = await self.clickhouse.query(query)
        return UUID(str(found[0][0]))

    async def state(self) -> State:
        """How far it is, for who begins to write it: this reads a column of all rows."""
        ((take, attempt),) = await self.clickhouse.query(sql("queries/journal/numbers", self.names))
        return State(await self.folded(), int(take), int(attempt))

    async def folded(self) -> Folded:
        """The last batch that counts."""
        (found,) = await self.clickhouse.query(sql("queries/journal/folded", self.names))
        return Folded(*found) if found[0] else Folded()

    async def parts(self) -> list[Part]:
        """The parts of the gateway's tables."""
        parameters = {"gateway": self.names.gateway, "tables": list(TABLES)}
        rows = await self.clickhouse.query(sql("queries/journal/parts", self.names), parameters)
        return [
            Part((table, uuid, partition), name, first, last, rows, bool(masked), max(age_s, 0))
            for table, uuid, partition, name, first, last, rows, masked, age_s in rows
        ]

    async def taken(self) -> dict[Place, Taken]:
        """What was taken of them."""
        rows = await self.clickhouse.query(sql("queries/journal/taken", self.names), {"past": PAST})
        return {
            (table, uuid, partition): Taken(tuple(Range(*one) for one in blocks), part, part_rows)
            for table, uuid, partition, _, blocks, part, part_rows in rows
        }

    async def past(self, place: Place) -> Taken:
        """What was taken of blocks of a partition that it has no longer."""
        rows = await self.clickhouse.query(
            f"SELECT blocks FROM {self.names.journal}.usage_taken_v1 FINAL WHERE table = {{table:String}} "  # noqa: S608 - a checked identifier
            "AND uuid = {uuid:String} AND partition = {partition:String}",
            {"table": place[0], "uuid": place[1] + PAST, "partition": place[2]},
        )
        return Taken(tuple(Range(*one) for blocks in rows for one in blocks[0]))

    async def waiting(self, folded: Folded) -> int:
        """How many rows were taken that no batch has taken up."""
        ((rows,),) = await self.clickhouse.query(
            sql("queries/journal/waiting", self.names),
            {"take_from": folded.take_from, "take_to": folded.take_to, "until_number": folded.until_number},
        )
        return int(rows)

    async def pinned(self) -> Pinned:
        """What counts now."""
        ((batch, given_up, vanished),) = await self.clickhouse.query(sql("queries/journal/pinned", self.names))
        return Pinned(int(batch), tuple(sorted(given_up)), bool(vanished))

    async def say(self, failure: str) -> None:
        """Record what keeps its collector from going on; "" that nothing does."""
        row = (_COLLECTOR, 0, failure, datetime.now(UTC))
        columns = ("projector", "position", "failure", "stopped_at")
        await self.clickhouse.insert(f"{self.names.journal}.projector_stop_v1", [row], columns)

    async def uncollected(self) -> int:
        """How many rows the gateway's tables have that no batch has taken up."""
        parts, ledger, folded = await self._progress()
        return ledger.missing(parts) + await self.waiting(folded)

    async def behind(self) -> Behind:
        """How far it is behind the gateway's tables, and what keeps its collector from going on."""
        parts, ledger, folded = await self._progress()
        waiting = await self.waiting(folded)
        take = folded.take_to if folded.complete else folded.take_from
        ((age_s, failure),) = await self.clickhouse.query(sql("queries/journal/behind", self.names), {"take": take})
        lag_s = max(ledger.waiting_s(parts), age_s if waiting else 0)
        return Behind(folded.batch, ledger.missing(parts) + waiting, float(lag_s), failure or None)

    async def _progress(self) -> tuple[list[Part], Ledger, Folded]:
        """What says how far it is. Parts come first and rows that wait after it, so that each row counts once."""
        parts = await self.parts()
        taken, folded = await together(self.taken(), self.folded())
        return parts, Ledger(taken), folded
