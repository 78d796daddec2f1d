"""Which parts of the gateway's tables hold rows that were not taken yet. Pure.

A MergeTree part is named by the range of its blocks. Rows come only in new blocks; a merge or a mutation adds none. So
what was taken is kept as ranges of blocks, per table (by its UUID) and partition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Place = tuple[str, str, str]  # table, its UUID, partition


class Range(NamedTuple):
    """Blocks `first` to `last`, of which so many rows were taken."""

    first: int
    last: int
    rows: int


@dataclass(frozen=True, slots=True)
class Part:
    """An active part. `masked`: some of its rows are deleted, and counted all the same. It was written `age_s` ago."""

    place: Place
    name: str
    first: int
    last: int
    rows: int
    masked: bool
    age_s: int = 0

    @property
    def table(self) -> str:
        """The table's name."""
        return self.place[0]


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken of a partition: ranges of blocks and, of one part taken in slices, how many of its rows."""

    blocks: tuple[Range, ...] = ()
    part: str = ""
    part_rows: int = 0

    def with_slice(self, part: Part, rows: int) -> Taken:
        """After the first `rows` rows of a part."""
        return Taken(self.blocks, part.name, rows)

    def with_parts(self, parts: Iterable[Part]) -> Taken:
        """After whole parts."""
        return Taken(merged([*self.blocks, *(Range(one.first, one.last, one.rows) for one in parts)]))

    def overlaps(self, part: Part) -> bool:
        """Whether some of its blocks were taken: a merge has put old and new rows together."""
        return any(one.first <= part.last and part.first <= one.last for one in self.blocks)

    def lacks(self, part: Part) -> bool:
        """Whether some of its blocks were not taken."""
        return not any(one.first <= part.first and part.last <= one.last for one in self.blocks)

    def up_to(self, block: int, there: Sequence[Part]) -> Taken:
        """Without what was taken of later blocks, and of a part in slices that is not there any more."""
        blocks = (_cut(one, block, there) for one in self.blocks if one.first <= block)
        started = any(one.name == self.part for one in there)
        return Taken(tuple(blocks), self.part if started else "", self.part_rows if started else 0)

    def missing(self, part: Part) -> int:
        """How many of its rows were not taken yet, about: rows deleted since count."""
        inside = sum(one.rows for one in self.blocks if part.first <= one.first and one.last <= part.last)
        return max(part.rows - inside - (self.part_rows if self.part == part.name else 0), 0)


@dataclass(frozen=True, slots=True)
class Slice:
    """What one insert takes: some small parts of a partition whole, or rows `first` to `last` of one."""

    parts: tuple[Part, ...]
    known: bool  # some of the rows were taken before
    first: int = 0
    last: int | None = None

    @property
    def rows(self) -> int:
        """How many rows it has."""
        if self.last is not None:
            return self.last - self.first + 1
        return sum(one.rows for one in self.parts) - self.first


@dataclass(slots=True)
class Ledger:
    """What was taken of every partition."""

    taken: dict[Place, Taken] = field(default_factory=dict)

    def of(self, place: Place) -> Taken:
        """Of one partition."""
        return self.taken.get(place, Taken())

    def lacking(self, parts: Iterable[Part]) -> bool:
        """Whether some of these parts were not taken."""
        return any(self.of(one.place).lacks(one) for one in parts)

    def missing(self, parts: Iterable[Part]) -> int:
        """How many rows of these parts were not taken yet."""
        return sum(self.of(one.place).missing(one) for one in parts if self.of(one.place).lacks(one))

    def waiting_s(self, parts: Iterable[Part]) -> int:
        """For how long the oldest part that was not taken has waited; 0 without one."""
        return max((one.age_s for one in parts if self.of(one.place).lacks(one)), default=0)

    def outdated(self, parts: Sequence[Part]) -> Iterator[tuple[Place, Taken]]:
        """What to keep instead of what was taken of blocks after the last that a table has, of those that have it.

        Their rows went. After a restart the table gives new rows the same numbers.
        """
        for place, taken in self.taken.items():
            last = max((one.last for one in parts if one.place[:2] == place[:2]), default=-1)
            kept = taken.up_to(last, [one for one in parts if one.place == place])
            if kept != taken:
                yield place, kept

    def next_slice(self, parts: Sequence[Part], rows: int) -> Slice | None:
        """What to take next: about so many rows; None when all is taken."""
        new = [one for one in parts if self.of(one.place).lacks(one)]
        if not new:
            return None
        started = [one for one in new if self.of(one.place).part == one.name]
        first = started[0] if started else new[0]
        taken = self.of(first.place)
        known = taken.overlaps(first)
        begun = taken.part_rows if taken.part == first.name else 0
        if first.rows - begun > rows:
            return Slice((first,), known, begun, begun + rows - 1)
        if begun:
            return Slice((first,), known, begun)
        return Slice(tuple(_small(new, first, known=known, taken=taken, rows=rows)), known)


def _cut(one: Range, block: int, there: Sequence[Part]) -> Range:
    if one.last <= block:
        return one
    return Range(one.first, block, sum(part.rows for part in there if one.first <= part.first and part.last <= block))


def _small(new: Sequence[Part], first: Part, *, known: bool, taken: Taken, rows: int) -> list[Part]:
    """Parts of one partition that together have not many more rows than asked for."""
    found, together = [first], first.rows
    for one in new:
        if one is first or one.place != first.place or taken.overlaps(one) != known:
            continue
        if together + one.rows > rows:
            break
        found.append(one)
        together += one.rows
    return found


def merged(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The same blocks in as few ranges as possible, in order. A range around others replaces them, with its rows."""
    joined: list[Range] = []
    for one in sorted(ranges, key=lambda of: (of.first, -of.last)):
        if joined and one.last <= joined[-1].last:
            continue
        if joined and one.first <= joined[-1].last + 1:
            joined[-1] = Range(joined[-1].first, one.last, joined[-1].rows + one.rows)
        else:
            joined.append(one)
    return tuple(joined)
