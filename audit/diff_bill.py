"""What differs between two bills of the same period and usage: lines, total, coverage. Pure, and exact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, localcontext
from typing import Any

from projections.bill import plain

Line = dict[str, Any]


def same_usage(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether both bills saw the same rows of the gateway: only then is a difference one of the log."""
    return bool(before["usage"] == after["usage"])


def diff_lines(before: Iterable[Line], after: Iterable[Line], label: str = "by") -> Iterator[Line]:
    """The lines that differ, those of `after` first and in its order; a side that has no such line is null."""
    old, new = ({_key(line[label]): line for line in lines} for lines in (before, after))
    for key in [*new, *(key for key in old if key not in new)]:
        if old.get(key) != new.get(key):
            either = new.get(key) or old[key]
            yield {label: either[label], **diff_sums(old.get(key), new.get(key), label)}


def diff_sums(before: Line | None, after: Line | None, label: str = "by") -> Line:
    """Two lines, a side without one being null, and by how much the money differs: after less before."""
    with localcontext(prec=100):
        money = _cost(after) - _cost(before)
    return {"before": _figures(before, label), "after": _figures(after, label), "cost_usd": plain(money)}


def _key(label: Any) -> Any:
    return tuple(label.items()) if isinstance(label, dict) else label


def _figures(line: Line | None, label: str) -> Line | None:
    return None if line is None else {name: value for name, value in line.items() if name != label}


def _cost(line: Line | None) -> Decimal:
    return Decimal(0) if line is None else Decimal(line["cost_usd"])
