"""What commands print fits a terminal, and is whole in a pipe; a value is printed as it is, whatever it looks like."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.progress import ProgressColumn

from keyledger.cli.billing import print_bill
from keyledger.cli.printing.output import counting, readable
from keyledger.cli.printing.tables import print_fields, print_table
from keyledger.settings import Settings

TOKENS = ("input_tokens", "output_tokens", "cached_input_tokens", "cached_output_tokens")
FIGURES = ("inferences", *TOKENS, "cost_usd", "unpriced")
OF_A_LINE = (*FIGURES, "cache_read_tokens", "cache_write_tokens", "unrated")
ODD = [
    "[red]acme[/red]",
    ":smile:",
    "日本語の長い会社名前です",
    "חברה בעברית",
    "\u0645\u06cc\u200c\u062e\u0648\u0631",
    "x" * 200,
]
INSTANT = "2026-03-01T00:00:00.000Z"


def printed(width: int | None, *arguments: Any, fields: bool = False, **options: Any) -> str:
    """What is printed on a terminal of this width; None: into a pipe."""
    console = Console(
        file=io.StringIO(), width=width, force_terminal=width is not None, color_system=None, markup=False, emoji=False
    )
    (print_fields if fields else print_table)(*arguments, console=console, **options)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    if width is not None:
        assert max(map(cell_len, text.splitlines())) <= width, text
    return text


def squeezed(text: str) -> str:
    """Without what a layout puts between the parts of a value."""
    return "".join(text.split())


def bill_rows(values: Sequence[str | None]) -> list[list[object]]:
    return [[value, 12, 1234567, 890123, 0, 0, "123.456789123", 0] for value in values]


@pytest.mark.parametrize("width", [80, 40])
@pytest.mark.parametrize("value", ODD)
def test_a_bill_fits_and_no_figure_or_value_is_lost(width: int, value: str) -> None:
    total = ["total", 24, 2469134, 1780246, 0, 0, "246.913578246", 0]
    text = printed(width, ["customer_id", *FIGURES], bill_rows([value, None]), right=FIGURES, total=total, title="Bill")
    for figure in ("1234567", "123.456789123", "246.913578246", "total"):
        assert figure in text, text
    assert squeezed(value) in squeezed(text) or len(value) > 40, "only what is longer than a line is folded"


def test_columns_without_a_value_are_left_out_and_those_of_zeros_only_where_they_must() -> None:
    rows = bill_rows(["acme"])
    assert "cached_input_tokens" in printed(200, ["customer_id", *FIGURES], rows, right=FIGURES)
    narrow = printed(70, ["customer_id", *FIGURES], rows, right=FIGURES)
    assert "left out, as all are 0: cached_input_tokens, cached_output_tokens, unpriced" in " ".join(narrow.split())
    table = printed(200, ["public_id", "description", "tags"], [["abc", None, "-"], ["def", "", "-"]])
    assert "description" not in table
    assert table.count("-") == 2, "a tag may have the value that stands for none"


def test_a_list_of_keys_wraps_tags_at_blanks_and_cuts_no_id_or_instant() -> None:
    tags = "customer_id:acme, billing_tier:gold, environment:production"
    row = ["abcDEF123456", "active", INSTANT, tags, None]
    text = printed(80, ("public_id", "status", "created_at", "tags", "description"), [row])
    for whole in ("abcDEF123456", INSTANT, "customer_id:acme,", "environment:production"):
        assert whole in text
    assert len(text.splitlines()) <= 6
    blocks = printed(40, ("public_id", "status", "created_at", "tags", "description"), [row, row])
    assert blocks.count("public_id") == 2
    assert INSTANT in blocks


def test_settings_fit() -> None:
    columns = ("name", "value", "default", "meaning")
    rows = [[row[column] for column in columns] for row in Settings().describe()]
    assert "KEYLEDGER_GATEWAY_RECONCILE_KEYS_PER_S" in printed(80, columns, rows)
    printed(40, columns, rows)


@pytest.mark.parametrize("value", [*ODD, "two\nlines"])
def test_a_pipe_gets_each_row_on_one_line_whole_and_every_column(value: str) -> None:
    """A width is assumed nowhere: neither of 80 columns, nor of the terminal that the command was started on."""
    lines = printed(None, ["customer_id", "empty", *FIGURES], [[value, *row] for row in [[None, *[0] * 7]] * 2])
    header, _, *rows = lines.splitlines()
    assert header.split() == ["customer_id", "empty", *FIGURES]
    assert len(rows) == 2
    assert all(row.startswith(readable(value)) for row in rows)
    fields = printed(None, [("description", value), ("n", 1)], fields=True).splitlines()
    assert fields == [f"description  {readable(value)}", "n            1"]


def test_the_total_of_a_bill_is_labelled_also_where_a_tag_has_that_value_or_nothing_is_grouped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    figures: dict[str, Any] = dict.fromkeys(OF_A_LINE, 7) | {"charges": [{"currency": "EUR", "amount": "7"}]}
    usage = {"rows": 0, "after_now": None, "uncollected": 0}
    made = {
        "since": INSTANT, "until": INSTANT, "position": 1, "known_at": None, "usage_known_at": None,
        "late_lines": [], "coverage": [], "usage": usage, "total": figures,
    }  # fmt: skip
    print_bill({**made, "group_by": ["tier"], "lines": [{"by": {"tier": "total"}, **figures}]})
    lines = capsys.readouterr().out.split("Coverage")[0].splitlines()
    first, rule, last = lines[-3:]
    assert (first.split()[0], set(rule), last.split()[0]) == ("total", {"─"}, "total")
    print_bill({**made, "group_by": [], "lines": [{"by": {}, **figures}]})
    assert capsys.readouterr().out.split("Coverage")[0].splitlines()[-1].split() == [
        "total",
        *["7"] * 9,
        "7",
        "EUR",
        "7",
    ]


def test_progress_reads_no_markup() -> None:
    with counting() as bar:
        task = bar.add_task("loading [red]:smile:", total=1)
        column = bar.columns[0]
        assert isinstance(column, ProgressColumn)
        assert str(column(bar.tasks[task])) == "loading [red]:smile:"
