"""How values look on pages: instants, numbers, money, and texts of anybody's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from markupsafe import Markup, escape

from registry.instant import parse_instant

# What separates thousands, so that a long number can be read: a narrow space that does not break.
_GROUP: Final = "\u202f"
_NONE: Final = Markup('<span class="none">\u2013</span>')


def instant(value: datetime | str | None) -> Markup:
    """An instant in UTC, which the page's script turns into the viewer's zone."""
    if value is None:
        return _NONE
    at = parse_instant(value) if isinstance(value, str) else value
    at = at.astimezone(UTC)
    iso, text = at.isoformat().replace("+00:00", "Z"), at.strftime("%Y-%m-%d %H:%M:%S")
    return Markup('<time datetime="{}" title="{} UTC">{} UTC</time>').format(iso, text, text)


def ago(value: datetime | None, now: datetime) -> str:
    """How long ago, or until when, in the largest unit."""
    if value is None:
        return "never"
    seconds = (now - value) / timedelta(seconds=1)
    text = span(abs(seconds))
    return f"{text} ago" if seconds >= 0 else f"in {text}"


def span(seconds: float) -> str:
    """A length of time."""
    left = int(seconds)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if left >= size:
            return f"{left // size} {unit}"
    return f"{left} s" if seconds >= 1 else f"{round(seconds * 1000)} ms"


def number(value: int | str | None) -> Markup | str:
    """A whole number, in groups of three."""
    return _NONE if value is None else f"{int(value):,}".replace(",", _GROUP)


def money(value: Decimal | str | None, unit: str = "") -> Markup | str:
    """An amount, to the last digit that it has, with its unit."""
    if value is None:
        return _NONE
    whole, dot, rest = format(Decimal(value), "f").partition(".")
    digits = f"{int(whole):,}".replace(",", _GROUP)
    digits = f"-{digits}" if whole.startswith("-") and int(whole) == 0 else digits
    return f"{digits}{dot}{rest} {unit}".strip()


def tag(name: str, value: str | None) -> Markup:
    """A tag as a small label."""
    shown = escape(value) if value is not None else Markup("<i>none</i>")
    return Markup('<span class="tag"><b>{}</b>{}</span>').format(name, shown)


def or_none(value: Any) -> Any:
    """A dash where there is nothing."""
    return _NONE if value is None or value == "" else value


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "instant": instant,
    "ago": ago,
    "span": span,
    "number": number,
    "money": money,
    "tag": tag,
    "or_none": or_none,
}
