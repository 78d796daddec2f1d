"""The oracle's bill in the shape of a bill without charges, provider caches and unknown cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.support.oracle.rows import CACHE_READ, CACHE_WRITE, Row

_LATER = frozenset({"cache_read_tokens", "cache_write_tokens", "charges", "unrated"})


def without_caches(rows: Sequence[Row]) -> list[Row]:
    """The rows, of which two that differ in the provider's caches alone are the same."""
    return [{name: value for name, value in row.items() if name not in (CACHE_READ, CACHE_WRITE)} for row in rows]


def before_charges(bill: dict[str, Any]) -> dict[str, Any]:
    """The bill without the figures that came later."""
    return {
        "lines": [_figures(line) for line in bill["lines"]],
        "total": _figures(bill["total"]),
        "late_lines": [_figures(line) for line in bill["late_lines"]],
        "coverage": [_figures(bucket) for bucket in bill["coverage"]],
        "usage": bill["usage"],
    }


def _figures(line: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in line.items() if name not in _LATER}
    return {**shown, "cost_usd": shown["cost_usd"] or "0"}
