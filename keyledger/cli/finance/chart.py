"""--chart FILE: draws a bill over time. What draws is an extra, as it is large."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from keyledger.cli.client import CommandFailed
from keyledger.cli.finance.series import charted
from keyledger.cli.finance.vega_lite import specification

_TIMES: Final = frozenset({"hour", "day", "month"})
_SCALE: Final = 2.0  # of a png, for screens of today


class ChartOf(StrEnum):
    """What a chart shows."""

    COST = "cost"
    CHARGES = "charges"
    TOKENS = "tokens"


def chart_names(file: Path, group_by: Sequence[str]) -> list[str]:
    """By what the bill of a chart is grouped: time first, a day where nothing is said. Raises CommandFailed."""
    if file.suffix not in {".png", ".svg"}:
        raise CommandFailed(f"--chart {file}: the name must end in .png or .svg", 2)
    times = [name for name in group_by if name in _TIMES] or ["day"]
    others = [name for name in group_by if name not in _TIMES]
    if len(times) > 1 or len(others) > 1:
        raise CommandFailed("--chart shows one of hour, day and month, and one other name of --group-by", 2)
    _renderer()
    return [*times, *others]


def write_chart(file: Path, bill: dict[str, Any], figure: ChartOf, currency: str | None) -> None:
    """Draw the bill into the file. Raises CommandFailed."""
    spec = specification(charted(bill, figure.value, currency), bill)
    renderer = _renderer()
    if file.suffix == ".svg":
        drawn = renderer.vegalite_to_svg(spec, vl_version="5.20", allowed_base_urls=[]).encode()
    else:
        drawn = renderer.vegalite_to_png(spec, vl_version="5.20", scale=_SCALE, allowed_base_urls=[])
    try:
        file.write_bytes(drawn)
    except OSError as error:
        raise CommandFailed(f"{file}: {error.strerror}") from error


def _renderer() -> Any:
    try:
        import vl_convert  # noqa: PLC0415 - only for those who have installed it
    except ImportError as error:
        raise CommandFailed("--chart needs vl-convert-python: install keyledger[charts]", 2) from error
    return vl_convert
