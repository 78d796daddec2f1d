"""Whether everything that was written to ClickHouse is still there.

The engine goes on without a part that it can't read, and a bill over what is left would be wrong without a word. So
what is missing is looked for at every start and from time to time, and until it is back no bill is made. Rows of the
gateway's that the usage journal has are missed, and hold up no bill: bills are made of the journal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from projections.engine.client import ClickHouse, Row
from projections.engine.templates import Names, sql
from projections.errors import RowsMissing
from projections.usage.tables import JOURNAL_TABLES, PAST, TABLES

_TALLIED: Final = (
    "event_applied",
    "ledger_tally",
    "key_tag_change",
    "key_life",
    "key_credential",
    "usage_anchor",
    "usage_anchor_day",
    "price_change",
)
# In the column `projector` of projector_stop_v1.
_FOUND: Final = "missing_rows"
_COLLECTED: Final = "missing_collected"

Range = tuple[int, int]
Blocks = dict[tuple[str, str, str], list[Range]]


@dataclass(frozen=True, slots=True)
class Missing:
    """What is missing, in words: what holds up bills, and what the usage journal has a copy of."""

    rows: tuple[str, ...] = ()
    collected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BrokenPart:
    """A part of a table that the engine could not read when it started; it is in the table's folder `detached`."""

    database: str
    table: str
    name: str
    uuid: str
    partition: str
    block: Range

    @property
    def of_ledger(self) -> bool:
        """Whether the log can give it again, if it is in our database."""
        return self.table not in JOURNAL_TABLES

    def __str__(self) -> str:
        """For a person."""
        return f"{self.database}.{self.table} lacks the part {self.name}, which is broken"


class Presence:
    """What of the ledger's and the gateway's rows is missing. Methods raise ClickHouseError."""

    def __init__(self, clickhouse: ClickHouse, names: Names) -> None:
        self._clickhouse = clickhouse
        self._names = names
        self._databases = {"database": names.database, "gateway": names.gateway}

    async def known(self) -> Missing:
        """What is known to be missing. Cheap: it counts nothing."""
        found = await self._clickhouse.query(sql("queries/ledger/known_missing", self._names))
        rows, collected = ([text for name, text in found if name == which] for which in (_FOUND, _COLLECTED))
        if parts := await self.broken_parts():
            taken = await self._taken()
            for one in parts:
                known = taken.get((one.table, one.uuid, one.partition), [])
                copied = one.database == self._names.gateway and not _uncovered([one.block], known)
                (collected if copied else rows).append(str(one))
        return Missing(tuple(rows), tuple(collected))

    async def missing(self) -> list[str]:
        """What of it holds up bills."""
        return list((await self.known()).rows)

    async def check(self) -> None:
        """Raise RowsMissing if anything is known to be missing that a bill needs."""
        if found := await self.missing():
            raise RowsMissing(found)

    async def broken_parts(self) -> list[BrokenPart]:
        """The parts that the engine could not read, of the ledger, of the usage journal and of the gateway's tables."""
        found = await self._set_aside()
        replaced = await self._replaced() if found else set()
        return [one for one in found if (one.database, one.table, one.name) not in replaced]

    async def replaced_parts(self) -> list[BrokenPart]:
        """Those that the embedded engine could not read, but has all rows of: in the parts that they were merged from.

        Where a merge drops no rows, and the part still says how many it has.
        """
        found = await self._set_aside()
        replaced = await self._replaced() if found else set()
        return [one for one in found if (one.database, one.table, one.name) in replaced]

    async def _set_aside(self) -> list[BrokenPart]:
        found = await self._clickhouse.query(sql("queries/ledger/broken_parts", self._names), self._databases)
        return [
            BrokenPart(database, table, name, uuid, partition, (first, last))
            for database, table, name, (uuid, partition, first, last) in found
        ]

    async def _replaced(self) -> set[tuple[str, str, str]]:
        if not self._clickhouse.embedded:
            return set()
        found = await self._clickhouse.query(sql("queries/ledger/rows_of_broken_parts", self._names), self._databases)
        return {tuple(place) for *place, path, rows_there in found if rows_there == _rows_of(Path(path))}

    async def broken_of_ledger(self) -> list[BrokenPart]:
        """Of these the ones that are written again from the log."""
        return [one for one in await self.broken_parts() if one.database == self._names.database and one.of_ledger]

    async def of_ledger(self) -> list[str]:
        """What the ledger lacks of what was written up to the applied position. Reads every row."""
        ((*short,),) = await self._clickhouse.query(sql("queries/ledger/missing_rows", self._names))
        return [
            f"{self._names.database}.{table} lacks {count} of its rows"
            for table, count in zip(_TALLIED, short, strict=True)
            if count > 0
        ]

    async def of_gateway(self) -> Missing:
        """What the gateway's tables lack of the rows that they had at an earlier call, which is recorded for the next.

        Of the embedded engine alone, whose folder nobody else uses: on a server, old rows may be dropped on purpose.
        """
        if not self._clickhouse.embedded:
            return Missing()
        now, before, lost = await self._gateway_blocks()
        if lost:  # rows may have been taken back between the look at what may be gone and that at what is there
            now, before, lost = await self._gateway_blocks()
        rows = [
            (*place, union, datetime.now(UTC))
            for place, blocks in now.items()
            if (union := _merged([*before.get(place, []), *blocks])) != before.get(place)
        ]
        columns = ("table", "uuid", "partition", "blocks", "seen_at")
        await self._clickhouse.insert(f"{self._names.database}.gateway_blocks_v1", rows, columns)
        taken = await self._taken() if lost else {}
        missing, collected = list[str](), list[str]()
        for place, found in lost.items():
            table, _, partition = place
            words = f"{table} lacks rows that it had: blocks {_listed(found)} of partition {partition}"
            copied = not _uncovered(found, taken.get(place, []))
            (collected if copied else missing).append(f"{self._names.gateway}.{words}")
        return Missing(tuple(missing), tuple(collected))

    async def record(self, missing: Missing) -> None:
        """Record what was found missing, for every process; nothing is, once it is back."""
        now = datetime.now(UTC)
        rows = [(_FOUND, 0, "; ".join(missing.rows), now), (_COLLECTED, 0, "; ".join(missing.collected), now)]
        columns = ("projector", "position", "failure", "stopped_at")
        await self._clickhouse.insert(f"{self._names.database}.projector_stop_v1", rows, columns)

    async def drop(self, part: BrokenPart) -> None:
        """Remove a broken part whose rows are there again."""
        statement = f"ALTER TABLE {part.database}.{part.table} DROP DETACHED PART {{part:String}}"
        await self._clickhouse.command(statement, {"part": part.name}, {"allow_drop_detached": 1})

    async def _taken(self) -> Blocks:
        """The blocks of the gateway's tables that the usage journal has taken."""
        found = await self._clickhouse.query(sql("queries/journal/taken_blocks", self._names), {"past": PAST})
        return {(table, uuid, partition): _merged(blocks) for table, uuid, partition, blocks in found}

    async def _gateway_blocks(self) -> tuple[Blocks, Blocks, Blocks]:
        """The blocks that there are, those that there were, and of these the ones that are lost."""
        at: dict[str, Blocks] = {"now": defaultdict(list), "before": {}, "released": defaultdict(list)}
        parameters = {"gateway": self._names.gateway, "tables": list(TABLES)}
        rows: list[Row] = await self._clickhouse.query(sql("queries/ledger/gateway_blocks", self._names), parameters)
        for when, table, uuid, partition, blocks in rows:
            at[when][table, uuid, partition] = _merged(blocks)
        kept = {place: _without(known, at["released"][place]) for place, known in at["before"].items()}
        lost = {place: found for place, known in kept.items() if (found := _uncovered(known, at["now"][place]))}
        return at["now"], at["before"], lost


def _rows_of(part: Path) -> int | None:
    """How many rows a part has by its own word; None where that is gone."""
    try:
        return int((part / "count.txt").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _merged(ranges: Iterable[Sequence[int]]) -> list[Range]:
    """The same numbers in as few ranges as possible, in order."""
    merged: list[Range] = []
    for first, last in sorted((one[0], one[1]) for one in ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _uncovered(known: Sequence[Range], now: Sequence[Range]) -> list[Range]:
    """The ranges of known numbers of which some are in none of the present ones. Both are merged."""
    return [(first, last) for first, last in known if not any(a <= first and last <= b for a, b in now)]


def _without(known: Sequence[Range], released: Sequence[Range]) -> list[Range]:
    """The known ranges without the released numbers. Both are merged."""
    left = list(known)
    for first, last in released:
        left = [part for a, b in left for part in ((a, min(b, first - 1)), (max(a, last + 1), b)) if part[0] <= part[1]]
    return left


def _listed(ranges: Iterable[Range]) -> str:
    return ", ".join(f"{first} to {last}" if first != last else str(first) for first, last in ranges)
