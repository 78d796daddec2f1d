"""Charts add up: bars to the amounts, parts to 100 %, and a value has its colour wherever it is drawn."""

from __future__ import annotations

from decimal import Decimal

import pytest

from keyledger.console.bills.charts import HEIGHT, NOTHING, REST, WIDTH, exact_sum, looks_of, shares, stacked, whole

_LOOKS = {"keyed": "f2", "orphan": "f3", "unkeyed": "f6"}


def test_bars_are_stacked_without_a_gap_and_as_high_as_their_amounts() -> None:
    chart = stacked(
        ["2026-03-01", "2026-03-02"],
        {("2026-03-01", "acme"): Decimal(3), ("2026-03-01", "globex"): Decimal(1), ("2026-03-02", "acme"): Decimal(4)},
        "USD",
    )
    acme, globex, later = chart.bars
    assert acme.y + acme.height == pytest.approx(chart.bottom)
    assert globex.y + globex.height == pytest.approx(acme.y)
    assert acme.height == pytest.approx(3 * globex.height, rel=1e-3)
    assert later.height == pytest.approx(acme.height + globex.height, rel=1e-3)
    assert acme.title == "acme, 2026-03-01: 3 USD"
    assert [(one.name, one.sum) for one in chart.legend] == [("acme", Decimal(7)), ("globex", Decimal(1))]


def test_all_bars_are_within_the_chart_and_below_its_last_tick() -> None:
    for highest in ("0.00000012", "1", "9.99", "10", "123456789012345.6"):
        chart = stacked(["a"], {("a", "x"): Decimal(highest)}, "")
        assert chart.up[-1].at <= chart.bars[0].y < HEIGHT
        assert 2 <= len(chart.up) <= 6
        assert max(len(one.text) for one in chart.up) <= 11
        assert chart.up[0].text == "0" or set(chart.up[0].text) == {"0", "."}


def test_what_is_beyond_the_ten_largest_is_one_bar_and_no_amount_is_lost() -> None:
    points: dict[tuple[str, str | None], Decimal] = {
        ("a", f"customer {number}"): Decimal(number) / 7 for number in range(1, 31)
    }
    chart = stacked(["a"], points, "USD")
    assert len(chart.legend) == 10
    assert (chart.legend[-1].look, chart.legend[-1].name) == (REST, "others: 21")
    assert exact_sum(one.sum for one in chart.legend) == exact_sum(points.values())


def test_no_amounts_give_a_chart_without_bars() -> None:
    assert stacked(["a", "b"], {}, "USD").bars == []
    assert stacked([], {}, "USD").bars == []
    assert stacked(["a"], {("a", "refunded"): Decimal(-3)}, "USD").bars == []


def test_a_value_has_its_colour_by_its_name_and_none_has_its_own() -> None:
    alone = stacked(["a"], {("a", "acme"): Decimal(1)}, "").legend[0].look
    points: dict[tuple[str, str | None], Decimal] = {("a", name): Decimal(1) for name in ("globex", "acme", "initech")}
    among = {one.name: one.look for one in stacked(["a"], points, "").legend}
    assert alone == among["acme"] == looks_of(["acme"])["acme"]
    assert looks_of([None])[None] == NOTHING
    assert looks_of(["none"])["none"] != NOTHING


def test_no_two_values_of_a_chart_look_the_same() -> None:
    for first in range(0, 300, 10):
        values = [f"customer {first + number}" for number in range(10)]
        assert len({looks_of(values)[value] for value in values}) == 10
    assert len(set(looks_of([str(number) for number in range(30)]).values())) == 17


def test_ticks_of_large_amounts_are_short() -> None:
    assert [one.text for one in stacked(["a"], {("a", "x"): Decimal(19_153_335)}, "").up] == [
        "0",
        "5M",
        "10M",
        "15M",
        "20M",
    ]


@pytest.mark.parametrize(
    "counts", [[1, 1, 1], [4325, 53, 125, 125, 125, 125, 125], [10**9, 1], [7], [2, 3, 5, 7, 11, 13]]
)
def test_shares_add_up_to_a_hundred(counts: list[int]) -> None:
    found = shares(counts)
    assert sum(Decimal(one.removesuffix(" %")) for one in found if not one.startswith("<")) == 100


def test_a_small_part_is_never_shown_as_nothing() -> None:
    parts = whole({"keyed": 10**9, "orphan": 1, "unkeyed": 0}, _LOOKS)
    assert [(one.name, one.count, one.share) for one in parts] == [
        ("keyed", 10**9, "100.0 %"),
        ("orphan", 1, "< 0.1 %"),
    ]
    assert parts[1].bar.width >= 1
    assert parts[0].bar.x + parts[0].bar.width == pytest.approx(parts[1].bar.x)
    assert parts[1].bar.x + parts[1].bar.width == pytest.approx(WIDTH)


def test_nothing_recorded_has_no_parts() -> None:
    assert whole({"keyed": 0}, _LOOKS) == []


def test_a_sum_has_every_digit_and_no_zero_at_its_end() -> None:
    assert str(exact_sum([Decimal("0.10"), Decimal("0.10")])) == "0.2"
    assert str(exact_sum([Decimal(100), Decimal("-0.0")])) == "100"
    assert exact_sum([Decimal("1e30"), Decimal("1e-10")]) == Decimal("1000000000000000000000000000000.0000000001")
