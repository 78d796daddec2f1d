"""Takes new rows of the gateway's tables into the journal's own, part by part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from projections.engine.templates import sql
from projections.usage.journal.gateway_rows import MADE_OF_ONE, rows_of
from projections.usage.journal.lines import rows_in_force
from projections.usage.journal.parts import Ledger, Part, Place, Slice, Taken, merged
from projections.usage.journal.state import Journal
from projections.usage.tables import PAST

_OF: Final = {
    "model": (("ModelInference", "id"),),
    "inference": (("ChatInference", "id"), ("JsonInference", "id")),
    "batch": (("BatchIdByInferenceId", "inference_id"),),
}
_TAKEN: Final = ("table", "uuid", "partition", "take", "blocks", "part", "part_rows")


class Taking:
    """Takes rows. Taking one twice is harmless. Methods raise ClickHouseError."""

    def __init__(self, journal: Journal, ledger: Ledger, take: int, *, rows: int) -> None:
        self._journal = journal
        self.ledger = ledger
        self._rows = rows
        self.take = take  # the last insert

    async def next(self, parts: Sequence[Part]) -> bool:
        """Take about as many rows as fit into one insert; False when all are taken, or the parts have changed."""
        slice_ = self.ledger.next_slice(parts, self._rows)
        if slice_ is None:
            return False
        take = self.take + 1
        await self._insert(slice_, take)
        self.take = take
        if not await self._whole(slice_, take):
            return False  # a merge has replaced a part meanwhile: what was taken of it is taken again
        await self._record(slice_, take)
        return True

    async def forget(self, parts: Sequence[Part]) -> None:
        """Forget what was taken of rows that went, where other rows can come under the same numbers of blocks."""
        for place, kept in list(self.ledger.outdated(parts)):
            self.take += 1
            table, uuid, partition = place
            past = merged([*(await self._journal.past(place)).blocks, *self.ledger.of(place).blocks])
            await self._write((table, uuid + PAST, partition), Taken(past), self.take)
            await self._keep(place, kept, self.take)

    async def write_off(self, kind: str, ids: str) -> None:
        """Note as gone what the journal has of the rows whose ids the SELECT `ids` gives, and the gateway has not.

        A row of which an equal one is still there stays. Once noted, it is not noted again.
        """
        self.take += 1
        names = self._journal.names
        there = " UNION ALL ".join(rows_of(names, table, f"{id_} IN ({ids})") for table, id_ in _OF[kind])
        ours = "id" if kind == "model" else "number"
        which = f"r.kind = '{kind}' AND r.{ours} IN (SELECT toUInt128(id) FROM ({ids}))"  # noqa: S608 - our own SQL
        rows = rows_in_force(names, which=which)
        statement = sql("queries/journal/write_off", names, rows=rows, there=there)
        await self._journal.clickhouse.insert_select(f"{names.journal}.usage_gone_v1", statement, {"take": self.take})

    async def _insert(self, slice_: Slice, take: int) -> None:
        names = self._journal.names
        table = slice_.parts[0].table
        listed = ", ".join(f"'{part.name}'" for part in slice_.parts)
        of_parts = f"_part IN ({listed})"
        if slice_.first:
            of_parts += f" AND _part_offset >= {slice_.first}"
        if slice_.last is not None:
            of_parts += f" AND _part_offset <= {slice_.last}"
        rows = rows_of(names, table, of_parts)
        unknown = sql("queries/journal/unknown", names, rows=rows) if slice_.known else ""
        statement = sql("queries/journal/take", names, rows=rows, unknown=unknown)
        await self._journal.clickhouse.insert_select(f"{names.journal}.usage_row_v1", statement, {"take": take})

    async def _whole(self, slice_: Slice, take: int) -> bool:
        """Whether it took all rows of the parts: a part that a merge replaced before the statement began gave none."""
        if not slice_.known and not any(part.masked for part in slice_.parts):
            ((came,),) = await self._journal.clickhouse.query(
                f"SELECT count() FROM {self._journal.names.journal}.usage_row_v1 WHERE take = {{take:UInt64}}",  # noqa: S608 - a checked identifier
                {"take": take},
            )
            return int(came) == slice_.rows * MADE_OF_ONE.get(slice_.parts[0].table, 1)
        there = {(part.place, part.name) for part in await self._journal.parts()}
        return all((part.place, part.name) in there for part in slice_.parts)

    async def _record(self, slice_: Slice, take: int) -> None:
        place = slice_.parts[0].place
        taken = self.ledger.of(place)
        if slice_.last is not None:
            taken = taken.with_slice(slice_.parts[0], slice_.last + 1)
        else:
            taken = taken.with_parts(slice_.parts)
        await self._keep(place, taken, take)

    async def _keep(self, place: tuple[str, str, str], taken: Taken, take: int) -> None:
        await self._write(place, taken, take)
        self.ledger.taken[place] = taken

    async def _write(self, place: Place, taken: Taken, take: int) -> None:
        row = (*place, take, [tuple(one) for one in taken.blocks], taken.part, taken.part_rows)
        await self._journal.clickhouse.insert(f"{self._journal.names.journal}.usage_taken_v1", [row], _TAKEN)
