"""What a chart shows of a bill by time and one group: the largest series, and the sum of all others. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from typing import Any, Final

from keyledger.cli.client import CommandFailed

# More colours than these are hard to tell apart.
MAX_SERIES: Final = 10
Points = dict[str, Decimal]


@dataclass(frozen=True)
class Series:
    """A value on the bill, None for no value or the sum of others; a label that no other series has; its points."""

    name: str | None
    label: str
    points: Points
    is_others: bool = False


@dataclass(frozen=True)
class Charted:
    """What is drawn: a figure in its unit, by time, and how many rows it says nothing about."""

    figure: str
    unit: str
    by_time: str
    group: str | None
    series: list[Series]
    summed: int
    unknown: int


def charted(bill: dict[str, Any], figure: str, currency: str | None) -> Charted:
    """What to draw of a bill that is grouped by a word of time and at most one name. Raises CommandFailed."""
    by_time, *group = bill["group_by"]
    unit, value = _figure(bill, figure, currency)
    found: dict[str | None, Points] = defaultdict(lambda: defaultdict(Decimal))
    with localcontext(prec=100):
        for line in bill["lines"]:
            name = line["by"][group[0]] if group else figure
            found[name][line["by"][by_time]] += value(line)
        largest = sorted(found, key=lambda name: (-sum(map(abs, found[name].values())), name is None, name or ""))
        shown = largest if len(largest) <= MAX_SERIES else largest[: MAX_SERIES - 1]
        others = [found[name] for name in largest[len(shown) :]]
        series = [Series(name, _label(name, group), dict(found[name])) for name in shown]
        if others:
            series.append(Series(None, f"others: {len(others)}", _sum(others), is_others=True))
    unknown = {"cost": "unpriced", "charges": "unrated"}.get(figure)
    return Charted(
        figure=figure,
        unit=unit,
        by_time=by_time,
        group=group[0] if group else None,
        series=_distinct(series),
        summed=len(others),
        unknown=0 if unknown is None else bill["total"][unknown],
    )


def _figure(bill: dict[str, Any], figure: str, currency: str | None) -> tuple[str, Callable[[dict[str, Any]], Decimal]]:
    """The unit of a figure, and what it is of a line; what is not known adds nothing."""
    match figure:
        case "cost":
            return "USD", lambda line: Decimal(line["cost_usd"] or 0)
        case "tokens":
            return "tokens", lambda line: Decimal(line["input_tokens"] + line["output_tokens"])
    there = [one["currency"] for one in bill["total"]["charges"]]
    if currency is None and len(there) != 1:
        raise CommandFailed(
            f"the charges are in {', '.join(there)}: choose one with --currency" if there else "nothing is charged", 1
        )
    if currency is not None and currency not in there:
        raise CommandFailed(f"nothing is charged in {currency}; there is {', '.join(there) or 'no charge at all'}", 1)
    chosen = currency or there[0]
    return chosen, lambda line: sum(
        (Decimal(one["amount"]) for one in line["charges"] if one["currency"] == chosen), Decimal(0)
    )


def _label(name: str | None, group: Sequence[str]) -> str:
    return f"without {group[0]}" if name is None else name


def _sum(several: Sequence[Points]) -> Points:
    times = {time for points in several for time in points}
    return {time: sum((points.get(time, Decimal(0)) for points in several), Decimal(0)) for time in sorted(times)}


def _distinct(series: Sequence[Series]) -> list[Series]:
    """The series with labels of their own: a value may be called as what stands for no value, or for the others."""
    names = {one.label for one in series if one.name is not None}
    return [one if one.name is not None else replace(one, label=_unlike(one.label, names)) for one in series]


def _unlike(label: str, names: set[str]) -> str:
    while label in names:
        label = f"({label})"
    return label
