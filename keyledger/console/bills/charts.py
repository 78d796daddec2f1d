"""Charts as shapes that a template draws in SVG: colours are classes, as the page's policy forbids styles. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from hashlib import sha256
from math import ceil, floor, log10
from typing import Final

from keyledger.console.formats import money, number

WIDTH: Final = 1000.0
HEIGHT: Final = 220.0
_LEFT, _TOP, _BOTTOM = 64.0, 12.0, 24.0
# More than these are hard to tell apart.
_MAX_SERIES: Final = 10
_MAX_LABELS: Final = 12
_LOOKS: Final = tuple(f"f{colour}{depth}" for depth in ("", " hatched") for colour in range(8))
_PREFIXES: Final = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))
# What can still be seen, of a bar that is WIDTH wide.
_LEAST: Final = 3.0
_ZERO: Final = Decimal(0)
REST, NOTHING = "f-rest", "f-none"


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle: its place, its classes, and what it says when it is pointed at."""

    x: float
    y: float
    width: float
    height: float
    look: str
    title: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A text on an axis, at a place along it."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the legend."""

    look: str
    name: str
    sum: Decimal


@dataclass(frozen=True, slots=True)
class _Series:
    """What one value, or all others, have by time."""

    look: str
    name: str
    amounts: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked bars over time."""

    bars: list[Bar]
    across: list[Mark]
    up: list[Mark]
    legend: list[Entry]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = _LEFT
    bottom: float = HEIGHT - _BOTTOM


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the total: its count, and its share as text; the shares of all parts add up to 100 %."""

    name: str
    count: int
    share: str
    bar: Bar


def looks_of(values: Iterable[str | None]) -> dict[str | None, str]:
    """The classes of each value: one of eight colours, plain or light, by a hash of the value.

    So a value has its colour on every chart, unless another one there has it too: the later one by name takes the next.
    """
    found: dict[str | None, str] = {None: NOTHING}
    for value in sorted(value for value in values if value is not None):
        place = int.from_bytes(sha256(value.encode()).digest()[:4])
        after = (_LOOKS[(place + more) % len(_LOOKS)] for more in range(len(_LOOKS)))
        found[value] = next((look for look in after if look not in found.values()), _LOOKS[place % len(_LOOKS)])
    return found


def stacked(times: Sequence[str], points: Mapping[tuple[str, str | None], Decimal], unit: str) -> Chart:
    """Bars of `points` (time, value): the largest values, and all others as one. What is negative has no height."""
    series = _series(points)
    tops = [exact_sum(max(one.amounts.get(time, _ZERO), _ZERO) for one in series) for time in times]
    step, top = _scale(float(max(tops, default=_ZERO)))
    legend = [Entry(one.look, one.name, exact_sum(one.amounts.values())) for one in series]
    return Chart(_bars(times, series, top, unit), _across(times), _up(step, top), legend)


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """The sum to its last digit, without zeros at its end."""
    with localcontext(prec=100):
        text = format(sum(amounts, _ZERO), "f")
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)


def whole(counts: Mapping[str, int], looks: Mapping[str, str]) -> list[Part]:
    """The parts that are not empty, on one bar of the whole WIDTH. What is small can still be seen."""
    found = {name: count for name, count in counts.items() if count > 0}
    if not found:
        return []
    total, largest = sum(found.values()), max(found, key=lambda name: found[name])
    widths = {name: max(count / total * WIDTH, _LEAST) for name, count in found.items()}
    widths[largest] += WIDTH - sum(widths.values())
    parts, x = [], 0.0
    for (name, count), share in zip(found.items(), shares(list(found.values())), strict=True):
        bar = Bar(round(x, 2), 0, round(widths[name], 2), 1, looks[name], f"{name}: {number(count)}, {share}")
        parts.append(Part(name, count, share, bar))
        x += widths[name]
    return parts


def shares(counts: Sequence[int]) -> list[str]:
    """Shares of their sum in percent, to the tenth. They add up to 100: the largest remainders are rounded up."""
    total = sum(counts)
    tenths = [count * 1000 // total for count in counts]
    by_remainder = sorted(range(len(counts)), key=lambda place: -(counts[place] * 1000 % total))
    for place in by_remainder[: 1000 - sum(tenths)]:
        tenths[place] += 1
    return ["< 0.1 %" if one == 0 and count else f"{one / 10:.1f} %" for one, count in zip(tenths, counts, strict=True)]


def _series(points: Mapping[tuple[str, str | None], Decimal]) -> list[_Series]:
    by_value: dict[str | None, dict[str, Decimal]] = defaultdict(dict)
    for (time, value), amount in points.items():
        if amount:
            by_value[value][time] = amount
    sums = {value: exact_sum(amounts.values()) for value, amounts in by_value.items()}
    order = sorted(sums, key=lambda value: (-sums[value], value is None, value or ""))
    shown = order if len(order) <= _MAX_SERIES else order[: _MAX_SERIES - 1]
    looks = looks_of(shown)
    found = [_Series(looks[value], "none" if value is None else value, by_value[value]) for value in shown]
    if rest := order[len(shown) :]:
        others: dict[str, list[Decimal]] = defaultdict(list)
        for value in rest:
            for time, amount in by_value[value].items():
                others[time].append(amount)
        amounts = {time: exact_sum(amounts) for time, amounts in others.items()}
        found.append(_Series(REST, f"others: {len(rest)}", amounts))
    return found


def _bars(times: Sequence[str], series: Sequence[_Series], top: float, unit: str) -> list[Bar]:
    slot, scale = _slot(times), (HEIGHT - _TOP - _BOTTOM) / top
    width = min(slot * 0.8, 48.0)
    bars = []
    for place, time in enumerate(times):
        y, x = HEIGHT - _BOTTOM, _LEFT + place * slot + (slot - width) / 2
        for one in series:
            if (amount := one.amounts.get(time, _ZERO)) > 0:
                height = float(amount) * scale
                y -= height
                title = f"{one.name}, {time}: {money(amount, unit)}"
                bars.append(Bar(round(x, 2), round(y, 2), round(width, 2), round(height, 2), one.look, title))
    return bars


def _slot(times: Sequence[str]) -> float:
    return (WIDTH - _LEFT) / max(len(times), 1)


def _across(times: Sequence[str]) -> list[Mark]:
    slot, every = _slot(times), max(ceil(len(times) / _MAX_LABELS), 1)
    return [Mark(round(_LEFT + (place + 0.5) * slot, 2), times[place]) for place in range(0, len(times), every)]


def _up(step: float, top: float) -> list[Mark]:
    scale = (HEIGHT - _TOP - _BOTTOM) / top
    size, prefix = next((one for one in _PREFIXES if step >= one[0]), (1, ""))
    digits = max(-floor(log10(step / size)), 0)
    return [
        Mark(
            round(HEIGHT - _BOTTOM - place * step * scale, 2),
            f"{money(Decimal(f'{place * step / size:.{digits}f}'))}{prefix if place else ''}",
        )
        for place in range(round(top / step) + 1)
    ]


def _scale(highest: float) -> tuple[float, float]:
    """A step of 1, 2 or 5 times a power of ten, and so many of them that the highest fits below: two to five."""
    if highest <= 0:
        return 1.0, 1.0
    power = 10.0 ** floor(log10(highest / 4))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor * 4.0001 >= highest)
    return step, step * max(ceil(highest / step - 1e-9), 1)
