"""Makes entries of the rows that were taken, batch by batch.

The steps, and what each guarantees if the process dies right after it:
1 attempt    the batch's number is used up; nothing counts.
2 entries    no bill sees them: the batch does not count yet.
3 batch      they count, all at once. Whatever is in an attempt without it never counts: the next collector gives it up.
"""

from __future__ import annotations

from typing import Any, Final

from projections.engine.templates import sql
from projections.usage.journal.lines import There, corrections, plain_entries, touched
from projections.usage.journal.state import LAST_NUMBER, Folded, Journal

# Rows of one batch. Its memory is bound by it, whatever has come.
BATCH_ROWS: Final = 1_000_000
# Rows that are compared by their ids at once.
_SLICE_ROWS: Final = 5_000_000


class Batches:
    """The batches of one collector. Methods raise ClickHouseError."""

    def __init__(self, journal: Journal, folded: Folded, attempt: int, *, rows: int = BATCH_ROWS) -> None:
        self._journal = journal
        self.rows = rows
        self._attempt = attempt
        self.folded = folded

    async def next(self, take: int, rows: int) -> bool:
        """Make the next batch of the inserts up to `take`, which have about so many rows; False when none is left."""
        folded = self.folded
        if folded.complete and folded.take_to == take:
            return False
        take_from, take_to, since = (
            (folded.take_to, take, 0)
            if folded.complete
            else (folded.take_from, folded.take_to, folded.until_number + 1)
        )
        if since == 0:
            await self.share_ids(take_from, take_to, rows)
        bounds = {"take_from": take_from, "take_to": take_to, "since_number": since}
        until = await self._until(bounds) if rows > self.rows or since > 0 else LAST_NUMBER
        await self._make({**bounds, "until_number": until})
        return True

    async def share_ids(self, take_from: int, take_to: int, rows: int) -> None:
        """Note which ids of about so many rows, of the inserts after one up to another, several inferences bear."""
        slices = rows // _SLICE_ROWS + 1
        bounds = {"take_from": take_from, "take_to": take_to, "slices": slices}
        for slice_ in range(slices):
            await self._insert("usage_shared_id_v1", self._sql("shared_ids"), {**bounds, "slice": slice_})
        await self._insert("usage_shared_id_v1", self._sql("shared_gone"), bounds)

    async def _until(self, bounds: dict[str, int]) -> int:
        found = await self._journal.clickhouse.query(self._sql("bound"), {**bounds, "rows": self.rows})
        return int(found[0][0]) if found else LAST_NUMBER

    async def _make(self, bounds: dict[str, int]) -> None:
        batch = self._attempt + 1
        await self._journal.clickhouse.insert(self._table("usage_attempt_v1"), [(batch, False)], ("batch", "given_up"))
        self._attempt = batch
        parameters = {**bounds, "batch": batch}
        names = self._journal.names
        await self._insert("usage_recount_v1", self._sql("recount", touched=touched(names)), parameters)
        await self._insert("usage_entry_v1", plain_entries(names), parameters)
        await self._count(batch, bounds, await self._correct(batch, parameters))

    async def _correct(self, batch: int, parameters: dict[str, int]) -> int:
        """Write the entries of inferences that need care; returns how many were taken back whole."""
        ((numbers, *there),) = await self._journal.clickhouse.query(self._sql("recounted"), parameters)
        if not numbers:
            return 0
        look_at = There(*map(bool, there))
        await self._insert("usage_entry_v1", corrections(self._journal.names, look_at), parameters)
        vanished = await self._one(self._sql("vanished"), {"batch": batch}) if look_at.before else 0
        await self._journal.clickhouse.command(f"TRUNCATE TABLE {self._table('usage_recount_v1')}")
        return vanished

    async def _one(self, statement: str, parameters: dict[str, int]) -> int:
        ((number,),) = await self._journal.clickhouse.query(statement, parameters)
        return int(number)

    async def _count(self, batch: int, bounds: dict[str, int], vanished: int) -> None:
        row = (batch, bounds["take_from"], bounds["take_to"], bounds["until_number"], vanished)
        columns = ("batch", "take_from", "take_to", "until_number", "vanished")
        await self._journal.clickhouse.insert(self._table("usage_batch_v1"), [row], columns)
        self.folded = Folded(batch, *row[1:4])

    async def _insert(self, table: str, statement: str, parameters: dict[str, Any]) -> None:
        settings = {"max_partitions_per_insert_block": 0}
        await self._journal.clickhouse.insert_select(self._table(table), statement, parameters, settings)

    def _sql(self, name: str, **values: str) -> str:
        return sql(f"queries/journal/{name}", self._journal.names, **values)

    def _table(self, name: str) -> str:
        return f"{self._journal.names.journal}.{name}"
