"""The period that a command means: two instants, or a month from local midnight to local midnight."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer

from keyledger.cli.client import CommandFailed

Since = Annotated[str | None, typer.Option(help="Inclusive: RFC 3339 with an offset.")]
Until = Annotated[str | None, typer.Option(help="Exclusive: RFC 3339 with an offset.")]
Month = Annotated[
    str | None, typer.Option(help="A month in the time zone, such as 2026-03, in place of --since and --until.")
]
_MONTH: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


def period(since: str | None, until: str | None, month: str | None, time_zone: str | None) -> tuple[str, str]:
    """Since and until. Raises CommandFailed where they are not given, or given twice."""
    if month is not None:
        if since is not None or until is not None:
            raise CommandFailed("give --month, or --since and --until, not both", 2)
        return of_month(month, "UTC" if time_zone is None else time_zone)
    if since is None or until is None:
        raise CommandFailed("give --since and --until, or --month", 2)
    return since, until


def of_month(month: str, time_zone: str, option: str = "--month") -> tuple[str, str]:
    """The instants at which a month begins and ends in a zone. Raises CommandFailed."""
    found = _MONTH.fullmatch(month)
    if found is None:
        raise CommandFailed(f"{option} must be a year and a month, such as 2026-03, not {month!r}", 2)
    # What --help need not wait for.
    from projections.billing.query import zones  # noqa: PLC0415

    if time_zone not in zones():
        raise CommandFailed(f"--time-zone {time_zone!r} is no time zone of the IANA database, as Europe/Berlin", 2)
    year, number = int(found[1]), int(found[2])
    if not 1970 <= year < 9999:
        raise CommandFailed(f"{option} must be in the years 1970 to 9998, not {month!r}", 2)
    following = (year + 1, 1) if number == 12 else (year, number + 1)
    since, until = (datetime(*one, 1, tzinfo=ZoneInfo(time_zone)).isoformat() for one in ((year, number), following))
    return since, until
