"""Mends the journal where `verify` finds that it is not what it should be. It adds; it deletes and changes nothing.

The steps, and what each guarantees if the process dies right after it:
1 collect      all that is there is taken and counted, as ever.
2 give up      batches that no collector began count no more.
3 attempt      a batch's number is used up; nothing counts.
4 rows         rows that the gateway has no longer are noted as gone, those that the journal lacks are taken; the next
               collector makes entries of both, if it comes to that.
5 entries      of each day at fault: what its rows say and no entry does, and the reversal of what is said besides.
6 batch        they count, all at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from projections.engine.templates import sql
from projections.usage.journal.batches import Batches
from projections.usage.journal.collecting import Collecting
from projections.usage.journal.day_sums import Complete, EntryDays, RowDays, complete, tables_and_parts
from projections.usage.journal.differing import (
    Slice,
    differing,
    of_days,
    of_parts,
    rows_differing,
    slices_of,
)
from projections.usage.journal.expired import not_expired, oldest_rows
from projections.usage.journal.gateway_rows import rows_of
from projections.usage.journal.lines import FIGURES, LINE_COLUMNS
from projections.usage.journal.state import LAST_NUMBER, Folded, Journal, State

_TAKE: Final = "{take:UInt64}"
# A number that no batch reaches need not be given up, and would use all numbers up to it.
_REACHED: Final = 2**53


@dataclass(frozen=True, slots=True)
class Mended:
    """What was mended: rows noted as gone, rows taken, and entries added."""

    gone: int = 0
    taken: int = 0
    entries: int = 0


async def mend(collecting: Collecting) -> Mended:
    """Mend all of a journal, between the looks of its collector: see Books. Safe to repeat. Raises ClickHouseError."""
    journal, alive = collecting.journal, collecting.alive
    await collecting.look()
    collecting.outdate()
    await _give_up_strange(journal)
    at = await complete(journal)
    entries, rows = EntryDays(journal, at), RowDays(journal)
    async for _ in entries.read():
        alive()
    async for _ in rows.read():
        alive()
    if not entries.differing() and not rows.differing():
        return Mended()
    mending = _Mending(journal, at, await journal.state(), alive)
    return await mending.run(list(slices_of(rows.differing())), entries.differing())


async def _give_up_strange(journal: Journal) -> None:
    found = await journal.clickhouse.query(sql("queries/journal/strange_batches", journal.names))
    rows = [(batch, True) for batch, _ in found if batch < _REACHED]
    await journal.clickhouse.insert(f"{journal.names.journal}.usage_attempt_v1", rows, ("batch", "given_up"))


class _Mending:
    """One batch that mends."""

    def __init__(self, journal: Journal, at: Complete, state: State, alive: Callable[[], None]) -> None:
        self._journal = journal
        self._names = journal.names
        self._at = at
        self._batch = state.attempt + 1
        self._alive = alive
        self._gone, self._taken = state.take + 1, state.take + 2

    async def run(self, rows: Iterable[Slice], days: dict[int, int]) -> Mended:
        """Mend these slices of rows, and entries of these days and of those that the rows touch."""
        await self._insert("usage_attempt_v1", [(self._batch, False)], ("batch", "given_up"))
        tables = await tables_and_parts(self._journal)
        expired = not_expired(self._names, await oldest_rows(self._journal))
        for some in rows:
            self._alive()
            await self._mend_rows(tables, expired, some)
        gone = await self._count("usage_gone_v1", "take", self._gone)
        taken = await self._count("usage_row_v1", "take", self._taken)
        await Batches(self._journal, Folded(), self._batch).share_ids(self._at.take, self._taken, taken)
        for some in slices_of(await self._touched(days)):
            self._alive()
            await self._mend_entries(some)
        self._alive()
        row = (self._batch, self._at.take, self._taken, LAST_NUMBER, 1)
        await self._insert("usage_batch_v1", [row], ("batch", "take_from", "take_to", "until_number", "vanished"))
        return Mended(gone, taken, await self._count("usage_entry_v1", "batch", self._batch))

    async def _mend_rows(self, tables: dict[str, list[str]], expired: str, some: Slice) -> None:
        names, clickhouse = self._names, self._journal.clickhouse
        found = rows_differing(names, tables)
        gone = sql("queries/journal/note_gone", names, rows_differing=found, not_expired=expired)
        parameters = {**some.parameters, "take": self._gone}
        await clickhouse.insert_select(f"{names.journal}.usage_gone_v1", gone, parameters)
        lacking = sql("queries/journal/lacking", names, rows_differing=found)
        for table, parts in tables.items():
            if parts:
                rows = rows_of(names, table, of_parts(parts))
                take = sql("queries/journal/take", names, rows=rows, unknown=lacking)
                parameters = {**some.parameters, "take": self._taken}
                await clickhouse.insert_select(f"{names.journal}.usage_row_v1", take, parameters)

    async def _touched(self, days: dict[int, int]) -> dict[int, int]:
        statement = of_days(self._names, "touched_days")
        found = await self._journal.clickhouse.query(statement, {"take": self._at.take})
        return {**days, **{day: count + days.get(day, 0) for day, count in found}}

    async def _mend_entries(self, some: Slice) -> None:
        signed = [f"sign * {name} AS {name}" for name in FIGURES]
        fingerprint = "if(sign > 0, fingerprint, toUInt128(toUInt128(0) - fingerprint)) AS fingerprint"
        says = [name for name in LINE_COLUMNS if name not in FIGURES and name != "fingerprint"]
        statement = sql(
            "queries/journal/correct_differing",
            self._names,
            columns=", ".join(("batch", "sign", *LINE_COLUMNS)),
            signed_columns=",\n    ".join(["batch", "sign", *says, *signed, fingerprint]),
            differing=differing(self._names, _TAKE),
        )
        table = f"{self._names.journal}.usage_entry_v1"
        # Of this batch there are entries of other slices alone.
        counts = {**self._at.pinned.parameters, "batch": self._batch}
        parameters: dict[str, Any] = {**counts, **some.parameters, "take": self._taken}
        settings = {"max_partitions_per_insert_block": 0}
        await self._journal.clickhouse.insert_select(table, statement, parameters, settings)

    async def _count(self, table: str, column: str, value: int) -> int:
        counted = f"SELECT count() FROM {self._names.journal}.{table} WHERE {column} = {{value:UInt64}}"  # noqa: S608 - checked identifiers
        ((count,),) = await self._journal.clickhouse.query(counted, {"value": value})
        return int(count)

    async def _insert(self, table: str, rows: list[tuple[Any, ...]], columns: tuple[str, ...]) -> None:
        await self._journal.clickhouse.insert(f"{self._names.journal}.{table}", rows, columns)
