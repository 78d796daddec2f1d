"""What differs between two bills of the same period and usage: lines, total, coverage. Pure, and exact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, localcontext
from typing import Any

from projections.billing.bill import plain

Line = dict[str, Any]


def same_usage(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether both bills saw the same rows of the gateway: only then is a difference one of the log."""
    return bool(before["usage"] == after["usage"])


def diff_lines(before: Iterable[Line], after: Iterable[Line]) -> Iterator[Line]:
    """The lines that differ, in the order of their values as on a bill; a side that has no such line is null."""
    old, new = ({tuple(line["by"].values()): line for line in lines} for lines in (before, after))
    for values in sorted({**old, **new}, key=lambda values: [(value is None, value or "") for value in values]):
        if old.get(values) != new.get(values):
            either = new.get(values) or old[values]
            yield {"by": either["by"], **diff_sums(old.get(values), new.get(values))}


def diff_coverage(before: Iterable[Line], after: Iterable[Line]) -> list[Line]:
    """The buckets that differ, in their order: every bill has them all."""
    return [
        {"bucket": new["bucket"], **diff_sums(old, new)} for old, new in zip(before, after, strict=True) if old != new
    ]


def diff_sums(before: Line | None, after: Line | None) -> Line:
    """Two lines, a side without one being null, and by how much the money differs: after less before."""
    with localcontext(prec=100):
        money = _cost(after) - _cost(before)
    return {"before": _figures(before), "after": _figures(after), "cost_usd": plain(money)}


def _figures(line: Line | None) -> Line | None:
    return None if line is None else {name: value for name, value in line.items() if name not in ("by", "bucket")}


def _cost(line: Line | None) -> Decimal:
    return Decimal(0) if line is None else Decimal(line["cost_usd"])
