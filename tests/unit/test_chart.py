"""Charts: the specification says what the bill says, and what it leaves out; a name keeps its colour."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from keyledger.cli.client import CommandFailed
from keyledger.cli.finance.chart import ChartOf, chart_names, write_chart
from keyledger.cli.finance.series import MAX_SERIES, charted
from keyledger.cli.finance.vega_lite import color_of, specification


def line(day: str, customer: str | None, cost: str | None = "1", **charges: str) -> dict[str, Any]:
    """A line of a bill by day and customer."""
    return {
        "by": {"day": day, "customer_id": customer},
        "input_tokens": 10,
        "output_tokens": 5,
        "cost_usd": cost,
        "charges": [{"currency": currency, "amount": amount} for currency, amount in charges.items()],
    }


def bill(*lines: dict[str, Any], group_by: tuple[str, ...] = ("day", "customer_id")) -> dict[str, Any]:
    """A bill of March."""
    currencies = sorted({one["currency"] for each in lines for one in each["charges"]})
    return {
        "position": 42,
        "known_at": None,
        "since": "2026-02-28T23:00:00.000Z",
        "until": "2026-03-31T22:00:00.000Z",
        "time_zone": "Europe/Berlin",
        "group_by": list(group_by),
        "tag": [],
        "lines": list(lines),
        "total": {
            "unpriced": sum(each["cost_usd"] is None for each in lines),
            "unrated": 0,
            "charges": [{"currency": one, "amount": "1"} for one in currencies],
        },
    }


def spec(of: dict[str, Any], figure: str = "cost", currency: str | None = None) -> dict[str, Any]:
    """The specification of a chart."""
    return specification(charted(of, figure, currency), of)


def test_the_chart_has_the_bills_own_days_values_and_words() -> None:
    made = spec(bill(line("2026-03-01", "acme", "1.25"), line("2026-03-02", "acme", None), line("2026-03-02", None)))
    assert [(one["time"], one["series"], one["value"]) for one in made["data"]["values"]] == [
        ("2026-03-01T00:00:00Z", "acme", 1.25),
        ("2026-03-02T00:00:00Z", "acme", 0.0),
        ("2026-03-02T00:00:00Z", "without customer_id", 1.0),
    ]
    x, y = made["encoding"]["x"], made["encoding"]["y"]
    assert (x["timeUnit"], x["title"], y["title"]) == ("utcyearmonthdate", "day, in Europe/Berlin", "USD")
    assert made["title"]["text"] == "cost in USD by customer_id"
    assert made["title"]["subtitle"] == [
        "2026-02-28T23:00:00.000Z to 2026-03-31T22:00:00.000Z, position 42",
        "not in it: 1 rows without a cost",
    ]


def test_the_smallest_are_summed_as_others_and_the_chart_says_so() -> None:
    lines = [line("2026-03-01", f"c{number:02d}", str(number)) for number in range(1, MAX_SERIES + 3)]
    made = charted(bill(*lines), "cost", None)
    *named, others = made.series
    assert [one.name for one in named] == [f"c{number:02d}" for number in range(MAX_SERIES + 2, 3, -1)]
    assert (others.label, others.is_others, others.points) == ("others: 3", True, {"2026-03-01": Decimal(1 + 2 + 3)})
    assert sum(sum(one.points.values()) for one in made.series) == sum(Decimal(each["cost_usd"]) for each in lines)
    assert "the smallest 3 are summed as others" in spec(bill(*lines))["title"]["subtitle"]


def test_a_value_that_is_called_as_the_others_stays_apart_from_them() -> None:
    lines = [line("2026-03-01", name, "9") for name in ("others: 2", "without customer_id")]
    lines += [line("2026-03-01", f"c{number}", str(number)) for number in range(MAX_SERIES - 1)]
    labels = [one.label for one in charted(bill(*lines, line("2026-03-01", None, "50")), "cost", None).series]
    assert len(set(labels)) == len(labels) == MAX_SERIES
    assert {"without customer_id", "(without customer_id)"} <= set(labels)


def test_a_name_keeps_its_colour_on_every_chart() -> None:
    alone = spec(bill(line("2026-03-01", "acme")))["encoding"]["color"]["scale"]
    among = spec(bill(line("2026-03-01", "globex", "7"), line("2026-03-01", "acme")))["encoding"]["color"]["scale"]
    of_acme = dict(zip(among["domain"], among["range"], strict=True))["acme"]
    assert (alone["range"], of_acme) == (["#2299a0"], "#2299a0")
    assert len({color_of(f"customer-{number}") for number in range(100)}) > 90


def test_charges_of_several_currencies_are_not_added_up() -> None:
    both = bill(line("2026-03-01", "acme", EUR="2", USD="3"))
    with pytest.raises(CommandFailed, match="EUR, USD: choose one with --currency"):
        spec(both, "charges")
    assert [one["value"] for one in spec(both, "charges", "EUR")["data"]["values"]] == [2.0]
    with pytest.raises(CommandFailed, match="nothing is charged in JPY; there is EUR, USD"):
        spec(both, "charges", "JPY")
    with pytest.raises(CommandFailed, match="nothing is charged"):
        spec(bill(), "charges")
    assert [one["value"] for one in spec(both, "tokens")["data"]["values"]] == [15.0]


@pytest.mark.parametrize(
    ("file", "names", "grouped"),
    [
        ("a.svg", ["customer_id"], ["day", "customer_id"]),
        ("a.png", ["customer_id", "month"], ["month", "customer_id"]),
        ("a.png", [], ["day"]),
        ("a.pdf", [], "must end in .png or .svg"),
        ("a.svg", ["day", "hour"], "one of hour, day and month"),
        ("a.svg", ["model", "customer_id"], "one other name"),
    ],
)
def test_a_chart_is_by_time_and_at_most_one_other_name(file: str, names: list[str], grouped: list[str] | str) -> None:
    if isinstance(grouped, list):
        assert chart_names(Path(file), names) == grouped
    else:
        with pytest.raises(CommandFailed, match=grouped):
            chart_names(Path(file), names)


def test_without_the_extra_the_command_names_it_before_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(CommandFailed, match=r"install keyledger\[charts\]"):
        chart_names(Path("a.svg"), [])


def test_a_chart_is_drawn_the_same_each_time_and_a_file_that_cant_be_written_is_named(tmp_path: Path) -> None:
    hours = [
        {**line("", "acme"), "by": {"hour": hour, "customer_id": "acme"}}
        for hour in ("2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00")
    ]
    made = bill(*hours, group_by=("hour", "customer_id"))
    for kind, magic in (("svg", b"<svg"), ("png", b"\x89PNG\r\n")):
        files = [tmp_path / f"{number}.{kind}" for number in range(2)]
        for file in files:
            write_chart(file, made, ChartOf.COST, None)
        assert files[0].read_bytes() == files[1].read_bytes()
        assert files[0].read_bytes().startswith(magic)
    svg = (tmp_path / "0.svg").read_text(encoding="utf-8")
    assert "acme" in svg
    assert svg.count('aria-roledescription="bar"') == 2, "the two passes of the hour are two bars"
    with pytest.raises(CommandFailed, match=r"no/where\.svg: No such file or directory"):
        write_chart(tmp_path / "no" / "where.svg", made, ChartOf.COST, None)
