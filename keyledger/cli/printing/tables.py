"""Tables that fit: on a terminal as narrow as it is, elsewhere one line for each row, whole.

On a terminal, columns without a value are left out. A table that is wider than the terminal gets its headers broken at
their underscores and its texts wrapped at blanks; a number, an id or an instant is never cut in two. Where it is still
too wide, columns of zeros are left out, which is said, and then each row is a block of lines. Nothing in a cell is read
as markup, or by the terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from keyledger.cli.printing.output import readable

_GAP: Final = 2
# A word up to so wide is not cut in two: an instant, an id, the name of a setting.
_WORD: Final = 40
_ABSENT: Final = "-"


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: its name, its cells from top to bottom, None where nothing is, and whether they are flush right."""

    name: str
    values: tuple[str | None, ...]
    right: bool

    @property
    def is_empty(self) -> bool:
        return not any(self.values)

    @property
    def is_zero(self) -> bool:
        return self.right and set(self.values) == {"0"}

    @property
    def cells(self) -> list[str]:
        return [_ABSENT if value is None else value for value in self.values]

    @property
    def wanted(self) -> int:
        """The width that leaves everything on one line."""
        return max(map(_widest_line, (self.name, *self.cells)))

    @property
    def needed(self) -> int:
        """The width below which a word or a number would be cut in two."""
        words = [part for cell in self.cells for part in ([cell] if self.right else cell.split())]
        return max(map(cell_len, (*self.header.split("\n"), *(word[:_WORD] for word in words))), default=0)

    @property
    def header(self) -> str:
        """The name, broken where its words end."""
        return self.name.replace("_", "_\n")


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str | None = None,
    right: Iterable[str] = (),
    total: Sequence[object] | None = None,
    console: Console | None = None,
) -> None:
    """Print it; columns named in `right` are numbers, flush right. `total` is a last row, below a rule."""
    console = console or _console()
    lines = [*rows, *([] if total is None else [total])]
    flush, on_terminal = set(right), console.is_terminal
    cells = [tuple(_cell(row[place], one_line=not on_terminal) for row in lines) for place in range(len(columns))]
    found = [_Column(readable(name), cells[place], name in flush) for place, name in enumerate(columns)]
    if title is not None:
        console.print(Text(title, style="bold"), soft_wrap=True)
    if on_terminal:
        _print_fitting(console, [one for one in found if not (lines and one.is_empty)], with_total=total is not None)
    else:
        _print_whole(console, _table(found, [one.wanted for one in found], with_total=total is not None))


def print_fields(pairs: Iterable[tuple[str, object]], *, console: Console | None = None) -> None:
    """Print one thing, each of its fields on a line."""
    console = console or _console()
    one_line = not console.is_terminal
    made = _grid([(readable(name), _cell(value, one_line=one_line) or _ABSENT) for name, value in pairs])
    if one_line:
        _print_whole(console, made)
    else:
        console.print(made)


def _console() -> Console:
    return Console(markup=False, highlight=False, emoji=False)


def _print_whole(console: Console, table: Table) -> None:
    """Print for a pipe: nothing is wrapped, and no line is filled up with blanks."""
    console.width = console.measure(table, options=console.options.update(width=1_000_000)).maximum
    with console.capture() as printed:
        console.print(table)
    console.file.write("\n".join(line.rstrip() for line in printed.get().split("\n")))


def _print_fitting(console: Console, columns: Sequence[_Column], *, with_total: bool) -> None:
    left_out: list[str] = []
    widths = _widths(columns, console.width)
    if widths is None:
        left_out = [one.name for one in columns if one.is_zero]
        columns = [one for one in columns if not one.is_zero]
        widths = _widths(columns, console.width)
    if widths is not None:
        console.print(_table(columns, widths, with_total=with_total))
    else:
        _print_blocks(console, columns, with_total=with_total)
    if left_out:
        console.print(Text(f"left out, as all are 0: {', '.join(left_out)}"))


def _widths(columns: Sequence[_Column], room: int) -> list[int] | None:
    """How wide each column is to be; None where they don't fit."""
    room -= _GAP * (len(columns) - 1)
    widths = [min(one.needed, one.wanted) for one in columns]
    spare = room - sum(widths)
    if spare < 0:
        return None
    while spare and (open_ := [place for place, one in enumerate(columns) if widths[place] < one.wanted]):
        widths[min(open_, key=lambda place: columns[place].wanted - widths[place])] += 1
        spare -= 1
    return widths


def _table(columns: Sequence[_Column], widths: Sequence[int], *, with_total: bool) -> Table:
    made = Table(box=box.SIMPLE, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), show_footer=with_total)
    for column, width in zip(columns, widths, strict=True):
        header = column.name if width >= cell_len(column.name) else column.header
        footer = Text(column.cells[-1] if with_total else "")
        justify: Literal["right", "left"] = "right" if column.right else "left"
        made.add_column(Text(header), footer, justify=justify, width=width, overflow="fold")
    for row in zip(*(one.cells[:-1] if with_total else one.cells for one in columns), strict=True):
        made.add_row(*map(Text, row))
    return made


def _print_blocks(console: Console, columns: Sequence[_Column], *, with_total: bool) -> None:
    last = len(columns[0].values) - 1
    for place in range(last + 1):
        shown = columns
        if place:
            console.print()
        if with_total and place == last:
            console.print(Text(columns[0].cells[place], style="bold"))
            shown = [one for one in columns if one.right]
        console.print(_grid([(one.name, value) for one in shown if (value := one.values[place])]))


def _grid(fields: Sequence[tuple[str, str]]) -> Table:
    made = Table.grid(padding=(0, _GAP, 0, 0))
    made.add_column(overflow="fold", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in fields:
        made.add_row(Text(name, style="bold"), Text(value))
    return made


def _cell(value: object, *, one_line: bool) -> str | None:
    if value is None:
        return None
    text = str(value)
    return readable(text) if one_line else "\n".join(map(readable, text.split("\n")))


def _widest_line(text: str) -> int:
    return max(map(cell_len, text.split("\n")))
