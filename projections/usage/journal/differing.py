"""Where the journal is not what it should be: entries against the rows taken, and these against the gateway's.

Days are compared by sums and hashes; only days that differ are looked at row by row, in slices that bound the memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from projections.engine.templates import Names, sql
from projections.usage.journal.gateway_rows import ADAPTER, rows_of
from projections.usage.journal.lines import ALL_TAKEN, FIGURES, LINE_COLUMNS, lines, rows_in_force
from projections.usage.journal.state import LAST_NUMBER

DAY_MS: Final = 86_400_000
# Rows of one comparison: they are held in memory.
SLICE_ROWS: Final = 500_000
BETWEEN: Final = "r.number >= {since_number:UInt128} AND r.number <= {until_number:UInt128}"


@dataclass(frozen=True, slots=True)
class Slice:
    """Some days, or one part of the inferences of one."""

    days: tuple[int, ...]
    slices: int = 1
    slice: int = 0

    @property
    def parameters(self) -> dict[str, Any]:
        """As parameters of a statement."""
        bounds = (0, LAST_NUMBER)
        if self.days[0] >= 0:
            bounds = (self.days[0] * DAY_MS << 80, ((self.days[-1] + 1) * DAY_MS << 80) - 1)
        return {
            "days": list(self.days),
            "slices": self.slices,
            "slice": self.slice,
            "since_number": bounds[0],
            "until_number": bounds[1],
        }


def slices_of(rows: Mapping[int, int], at_once: int = SLICE_ROWS) -> Iterator[Slice]:
    """Days, with how many rows each has, in slices of not many more rows than asked for."""
    some: list[int] = []
    together = 0
    for day in sorted(rows):
        if some and (some[0] < 0 or together + rows[day] > at_once):  # ids without an instant have numbers anywhere
            yield from _cut(some, together, at_once)
            some, together = [], 0
        some.append(day)
        together += rows[day]
    if some:
        yield from _cut(some, together, at_once)


def _cut(days: Sequence[int], rows: int, at_once: int) -> Iterator[Slice]:
    parts = rows // at_once + 1
    for part in range(parts):
        yield Slice(tuple(days), parts, part)


def line_digest(sign: str = "1") -> str:
    """The hash of all that a line says: of an entry, of what it stands for, its figures times `sign`."""
    says = []
    for name in LINE_COLUMNS:
        if name in FIGURES:
            number = f"toDecimal128(e.{name} * {sign}, 9)" if name == "cost_usd" else f"toInt64(e.{name} * {sign})"
            says.append(number)
        elif name == "fingerprint":
            says.append(_fingerprint(sign))
        elif name in ("model_name", "model_provider_name"):
            says += [f"isNull(e.{name})", f"ifNull(toString(e.{name}), '')"]
        else:
            says.append("toUInt8(e.cached)" if name == "cached" else f"toString(e.{name})")
    return f"sipHash64({', '.join(says)})"


def differing(names: Names, take: str) -> str:
    """The lines that the entries of a Slice lack, or have besides, by the rows of inserts up to `take`."""
    numbers = of_days(names, "numbers_of_days")
    entry = [
        f"e.{name} * e.sign AS {name}"
        if name in FIGURES
        else f"{_fingerprint('e.sign')} AS fingerprint"
        if name == "fingerprint"
        else f"e.{name} AS {name}"
        for name in LINE_COLUMNS
    ]
    return of_days(
        names,
        "differing",
        lines=lines(names, take, numbers),
        line_columns=",\n    ".join(LINE_COLUMNS),
        entry_columns=",\n        ".join(entry),
    )


def rows_differing(names: Names, taken: Mapping[str, Sequence[str]]) -> str:
    """The rows of a Slice that gateway and journal don't share. `taken`: the parts of each table that were taken."""
    there = [_gateway_rows(names, table, "true", "0") for table in taken]
    there += [_gateway_rows(names, table, of_parts(parts), "1") for table, parts in taken.items() if parts]
    return of_days(
        names,
        "rows_differing",
        gateway_rows="\n".join(there),
        rows=rows_in_force(names, ALL_TAKEN, BETWEEN),
        taken_fingerprint=sql(f"{ADAPTER}/rows/taken_fingerprint", names).strip(),
    )


def of_days(names: Names, name: str, **values: str) -> str:
    """The template `clickhouse/queries/journal/<name>.sql` with what it needs of days and entries that count."""
    parts = {one: sql(f"queries/journal/{one}", names).strip() for one in ("day", "counts")}
    return sql(f"queries/journal/{name}", names, **parts, **values)


def of_parts(parts: Iterable[str]) -> str:
    """The condition on rows: of these parts."""
    listed = ", ".join(f"'{part}'" for part in parts)
    return f"_part IN ({listed})"


def _gateway_rows(names: Names, table: str, which: str, taken: str) -> str:
    return of_days(names, "gateway_rows", rows=rows_of(names, table, which), taken=taken)


def _fingerprint(sign: str) -> str:
    return f"if({sign} > 0, e.fingerprint, toUInt128(toUInt128(0) - e.fingerprint))"
