"""A bill over time: which buckets there are, and what each value has in them. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from keyledger.client.model.bills import Bill, Figures
from keyledger.console.bills.charts import Chart, exact_sum, stacked
from keyledger.console.bills.periods import Period, month_after, month_at, zone_of
from keyledger.console.bills.question import TIMES

_MAX_TIMES: Final = 1_000
_HOURS_UNTIL, _DAYS_UNTIL = timedelta(days=3), timedelta(days=100)


@dataclass(frozen=True, slots=True)
class Figure:
    """What a chart can show: its name in the address, and for people, and its unit."""

    key: str
    name: str
    unit: str


def figures_of(total: Figures) -> list[Figure]:
    """What a chart of the bill can show: first what is charged, where anything is."""
    charged = [Figure(one.currency, "Charges", one.currency) for one in total.charges]
    charged.sort(key=lambda one: (one.key != "USD", one.key))
    return [*charged, Figure("cost", "Cost", "USD"), Figure("tokens", "Tokens", "")]


def time_word(period: Period) -> str:
    """By which word of time a chart of the period is."""
    length = period.until - period.since
    return "hour" if length <= _HOURS_UNTIL else "day" if length <= _DAYS_UNTIL else "month"


def chart_names(group_by: tuple[str, ...], period: Period) -> list[str]:
    """By what the bill of a chart is grouped: a word of time, and the first other name."""
    times = [name for name in group_by if name in TIMES] or [time_word(period)]
    return [times[0], *[name for name in group_by if name not in TIMES][:1]]


def chart_of(bill: Bill, figure: Figure) -> Chart | None:
    """The chart of a bill that is grouped by `chart_names`; None where it would have too many bars."""
    word, *group = bill.group_by
    times = _times(word, Period(bill.since, bill.until), zone_of(bill.time_zone))
    if len(times) > _MAX_TIMES:
        return None
    points: dict[tuple[str, str | None], list[Decimal]] = defaultdict(list)
    for line in bill.lines:
        value = line.by[group[0]] if group else figure.name.lower()
        points[_time(word, line.by[word] or ""), value].append(_amount(line, figure))
    return stacked(times, {point: exact_sum(amounts) for point, amounts in points.items()}, figure.unit)


def _amount(line: Figures, figure: Figure) -> Decimal:
    if figure.key == "cost":
        return line.cost_usd or Decimal(0)
    if figure.key == "tokens":
        return Decimal(line.input_tokens + line.output_tokens)
    return sum((one.amount for one in line.charges if one.currency == figure.key), Decimal(0))


def _time(word: str, label: str) -> str:
    """A label of time as the axis has it: an hour by its instant, as a clock that is set back has one twice."""
    return f"{datetime.fromisoformat(label).astimezone(UTC):%m-%d %H:%M}" if word == "hour" else label


def _times(word: str, period: Period, zone: ZoneInfo) -> list[str]:
    first, last = period.since.astimezone(zone), (period.until - timedelta(microseconds=1)).astimezone(zone)
    if word == "hour":
        at = first.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
        hours = min(int((period.until - at) / timedelta(hours=1)) + 1, _MAX_TIMES + 1)
        starts = (at + timedelta(hours=place) for place in range(hours))
        return [f"{start:%m-%d %H:%M}" for start in starts if start < period.until]
    if word == "day":
        days = min((last.date() - first.date()).days + 1, _MAX_TIMES + 1)
        return [(first.date() + timedelta(days=place)).isoformat() for place in range(days)]
    months, end = [month_at(first, zone)], month_at(last, zone)
    while months[-1] < end and len(months) <= _MAX_TIMES:
        months.append(month_after(months[-1]))
    return months
