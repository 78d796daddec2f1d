"""The Vega-Lite specification of a chart: all data is in it, and nothing is loaded. Pure."""

from __future__ import annotations

import colorsys
from hashlib import sha256
from typing import Any, Final

from keyledger.cli.finance.series import Charted, Series

_SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v5.json"  # a name, which nothing asks for
_NO_VALUE, _OTHERS = "#cfcfcf", "#8c8c8c"
_WIDTH, _HEIGHT = 720, 360
# Local days and months as such; an hour by its instant, as a clock that is set back has one twice.
_TIME: Final = {
    "day": ("utcyearmonthdate", "day, in {zone}"),
    "month": ("utcyearmonth", "month, in {zone}"),
    "hour": ("utcyearmonthdatehours", "hour, in UTC"),
}
# The renderer has it built in, so a chart looks the same on every machine.
_FONT: Final = "Liberation Sans"


def specification(charted: Charted, bill: dict[str, Any]) -> dict[str, Any]:
    """Stacked bars over time, and in words which bill it is and what it leaves out."""
    labels = [one.label for one in charted.series]
    unit, axis = _TIME[charted.by_time]
    return {
        "$schema": _SCHEMA,
        "width": _WIDTH,
        "height": _HEIGHT,
        "background": "white",
        "title": {"text": _title(charted), "subtitle": _notes(charted, bill), "anchor": "start"},
        "data": {"values": [value for one in charted.series for value in _values(one)]},
        "mark": {"type": "bar"},
        "encoding": {
            "x": {
                "field": "time",
                "type": "temporal",
                "timeUnit": unit,
                "title": axis.format(zone=bill["time_zone"]),
                "scale": {"type": "utc"},
                "axis": {"labelOverlap": True},
            },
            "y": {"field": "value", "type": "quantitative", "aggregate": "sum", "title": charted.unit},
            "color": {
                "field": "series",
                "type": "nominal",
                "title": charted.group,
                "sort": labels,
                "scale": {"domain": labels, "range": [_color(one) for one in charted.series]},
                "legend": None if charted.group is None else {"labelLimit": 240},
            },
            "order": {"field": "place", "type": "quantitative"},
        },
        "config": {"font": _FONT},
    }


def color_of(name: str) -> str:
    """The colour of a name, on every chart: by its hash, of all hues and three depths."""
    digest = sha256(name.encode()).digest()
    hue, depth = int.from_bytes(digest[:4], "big") / 2**32, (0.38, 0.5, 0.62)[digest[4] % 3]
    red, green, blue = colorsys.hls_to_rgb(hue, depth, 0.65)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def _color(one: Series) -> str:
    if one.is_others:
        return _OTHERS
    return _NO_VALUE if one.name is None else color_of(one.name)


def _title(charted: Charted) -> str:
    by = "" if charted.group is None else f" by {charted.group}"
    return f"{charted.figure} in {charted.unit}{by}" if charted.figure != "tokens" else f"tokens{by}"


def _notes(charted: Charted, bill: dict[str, Any]) -> list[str]:
    known = "" if bill["known_at"] is None else f", as known at {bill['known_at']}"
    notes = [f"{bill['since']} to {bill['until']}, position {bill['position']}{known}"]
    if bill["tag"]:
        notes.append(f"with {', '.join(bill['tag'])}")
    if charted.summed:
        notes.append(f"the smallest {charted.summed} are summed as others")
    if charted.unknown:
        notes.append(f"not in it: {charted.unknown} rows {'without a cost' if charted.figure == 'cost' else 'unrated'}")
    return notes


def _values(one: Series) -> list[dict[str, Any]]:
    return [
        {"time": _instant(time), "value": float(value), "series": one.label, "place": 0 if one.name else 1}
        for time, value in sorted(one.points.items())
    ]


def _instant(label: str) -> str:
    """What a label of time is for the axis: of a local day or month, its midnight in UTC, where the axis is, too."""
    return label if "T" in label else f"{label}{'-01' if len(label) == 7 else ''}T00:00:00Z"
