"""The CSV of a bill: stable columns, exact values, and rounding that says what it changed."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyledger.http.billing.csv_answer import wants_csv
from keyledger.http.billing.csv_lines import FIGURE_COLUMNS, formula_values, to_csv
from projections.billing.figures import Charge, Line
from projections.billing.rounding import NoMinorUnit, round_amount, rounded

HEADER = (
    "customer_id,inferences,input_tokens,output_tokens,cached_input_tokens,cached_output_tokens,"
    "cache_read_tokens,cache_write_tokens,cost_usd,unpriced,currency,amount,unrated\r\n"
)


def line(cost: str | None = "0.011", customer: str | None = "acme", **charges: str) -> Line:
    """A line of one inference."""
    return Line(
        by={"customer_id": customer},
        inferences=1,
        input_tokens=10,
        output_tokens=5,
        cached_input_tokens=0,
        cached_output_tokens=0,
        cache_read_tokens=0,
        cache_write_tokens=0,
        cost_usd=None if cost is None else Decimal(cost),
        unpriced=0,
        charges=tuple(Charge(currency, Decimal(amount)) for currency, amount in charges.items()),
        unrated=0,
    )


def test_the_columns_are_the_same_whatever_the_lines_hold() -> None:
    assert to_csv(("customer_id",), []) == HEADER
    assert to_csv(("customer_id",), [line(EUR="0.0200", JPY="3"), line(None, None)]) == (
        HEADER + "acme,1,10,5,0,0,0,0,0.011,0,EUR,0.02,0\r\nacme,,,,,,,,,,JPY,3,\r\n,1,10,5,0,0,0,0,,0,,,0\r\n"
    )


@pytest.mark.parametrize("value", ['=cmd|"/c calc"!A1', "+1", "-2", "@SUM(A1)", 'a,"b"', "two\nlines", "Zoë"])
def test_a_value_is_what_it_was_also_where_a_spreadsheet_sees_a_formula(value: str) -> None:
    lines = [line(customer=value), line(customer=None)]
    read = list(csv.reader(io.StringIO(to_csv(("customer_id",), lines), newline="")))
    assert read[1][0] == value
    assert formula_values(lines) == (value[0] in "=+-@")


@given(st.lists(st.decimals(-(10**12), 10**12, places=9), max_size=20), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_rounded_lines_differ_from_the_exact_sum_by_just_what_is_said(amounts: list[Decimal], currency: str) -> None:
    lines = [line(str(amount), **{currency: str(amount)}) for amount in amounts]
    made, differences = rounded(lines)
    charged = sum((one.charges[0].amount for one in made), Decimal(0))
    assert charged - sum(amounts, Decimal(0)) == differences.get(currency, 0)
    assert set(differences) == ({"cost_usd", currency} if lines else set())
    assert [replace(one, cost_usd=None, charges=()) for one in made] == [
        replace(one, cost_usd=None, charges=()) for one in lines
    ]


@pytest.mark.parametrize(
    ("currency", "amount", "whole"),
    [
        ("EUR", "0.005", "0.00"),  # half to even
        ("EUR", "0.015", "0.02"),
        ("EUR", "12.3", "12.30"),
        ("USD", "-0.004", "0.00"),  # there is no minus zero
        ("JPY", "2.5", "2"),
        ("KWD", "1.0005", "1.000"),
        ("HUF", "1.005", "1.00"),  # ISO 4217 gives it two digits, which shops have no coins for
        ("EUR", "123456789012345678901234567890.125", "123456789012345678901234567890.12"),
    ],
)
def test_an_amount_is_rounded_half_to_even_to_the_minor_unit(currency: str, amount: str, whole: str) -> None:
    assert format(round_amount(Decimal(amount), currency), "f") == whole
    charged = line(**{currency: amount})
    assert whole in to_csv((), rounded([charged])[0], rounded=True)


@pytest.mark.parametrize("currency", ["XAU", "ABC"])
def test_what_has_no_minor_unit_is_refused_and_not_left_as_it_is(currency: str) -> None:
    with pytest.raises(NoMinorUnit, match=currency):
        rounded([line(**{currency: "1.5"})])


def test_the_columns_are_distinct() -> None:
    assert len(set(FIGURE_COLUMNS)) == len(FIGURE_COLUMNS)


@pytest.mark.parametrize(
    ("accept", "csv_it_is"),
    [
        ("text/csv", True),
        ("Text/CSV; charset=utf-8", True),
        ("application/json;q=0.5, text/csv;q=0.9", True),
        ("text/*;q=0.3, application/json;q=0.1", True),
        ("text/csv, application/json", False),
        ("text/csv;q=0", False),
        ("*/*", False),
        ("text/html", False),
        ("", False),
        ("no media type", False),
        (None, False),
    ],
)
def test_csv_is_for_those_who_like_it_better_than_json(accept: str | None, csv_it_is: bool) -> None:
    assert wants_csv(accept) == csv_it_is
