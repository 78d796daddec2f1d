"""keyledger compare: two bills side by side."""

from __future__ import annotations

from typing import Annotated, Any, Final

import httpx
import typer

from keyledger.cli.audit.words import shown
from keyledger.cli.client import AsJson, CommandFailed, Data, ask, call
from keyledger.cli.finance.charges import charges_of
from keyledger.cli.finance.period import Month, Since, Until, of_month, period
from keyledger.cli.finance.question import KnownAt, OfKey, Tags, UsageKnownAt, Zone, acknowledged
from keyledger.cli.printing.output import print_json, say
from keyledger.cli.printing.tables import print_table
from keyledger.client.calls import compare_bills, show_bill

_FIGURES: Final = ("inferences", "input_tokens", "output_tokens", "cost_usd", "charges")
_DIFFERENCES: Final = ("cost_difference", "charges_difference")


def register(app: typer.Typer) -> None:
    """Put the command on the app."""
    app.command(
        epilog="Example: keyledger compare --group-by customer_id --month 2026-03 --base-month 2026-02 "
        "--time-zone Europe/Berlin"
    )(compare)


def compare(
    since: Since = None,
    until: Until = None,
    month: Month = None,
    base_known_at: Annotated[
        int | None, typer.Option(min=0, help="Compare with the bill as known at this position.")
    ] = None,
    base_usage_known_at: Annotated[
        int | None, typer.Option(min=0, help="Compare with the usage that the log had anchored up to this position.")
    ] = None,
    base_since: Annotated[str | None, typer.Option(help="Compare with another period: inclusive.")] = None,
    base_until: Annotated[str | None, typer.Option(help="Compare with another period: exclusive.")] = None,
    base_month: Annotated[str | None, typer.Option(help="Compare with another month, such as 2026-02.")] = None,
    group_by: Annotated[list[str] | None, typer.Option(help="As of the bill; repeat.")] = None,
    known_at: KnownAt = None,
    usage_known_at: UsageKnownAt = None,
    tag: Tags = None,
    key: OfKey = None,
    time_zone: Zone = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Compare two bills: every line that either has, and the differences. Exit code 1 when anything differs."""
    since, until = period(since, until, month, time_zone)
    if base_month is not None:
        if base_since is not None or base_until is not None:
            raise CommandFailed("give --base-month, or --base-since and --base-until, not both", 2)
        base_since, base_until = of_month(base_month, time_zone or "UTC", "--base-month")
    if all(one is None for one in (base_since, base_until, base_known_at, base_usage_known_at)):
        ways = "--base-known-at, --base-usage-known-at, --base-month, or --base-since and --base-until"
        raise CommandFailed(f"say what to compare with: {ways}", 2)

    async def both(client: httpx.AsyncClient) -> Any:
        bill = show_bill(
            group_by=group_by or (), since=since, until=until, known_at=known_at, usage_known_at=usage_known_at,
            tag=tag or (), key=key, time_zone=time_zone, wait_for=await acknowledged(client, known_at),
        )  # fmt: skip
        compared = compare_bills(
            bill, base_known_at=base_known_at, base_usage_known_at=base_usage_known_at, base_since=base_since,
            base_until=base_until,
        )  # fmt: skip
        return await ask(client, compared)

    made = call(data, both)
    if json:
        print_json(made)
    else:
        _print(made)
    if any(one["base"] != one["current"] for one in (made["total"], *made["lines"])):
        raise typer.Exit(1)


def _print(made: dict[str, Any]) -> None:
    for side in ("base", "current"):
        bill = made[side]
        known = "" if bill["known_at"] is None else f", as known at {bill['known_at']}"
        say(f"{side}: period {bill['since']} to {bill['until']}, position {bill['position']}{known}")
    print_lines(made["current"]["group_by"], made["lines"], made["total"], title="Base → current")


def print_lines(by: list[str], lines: list[dict[str, Any]], total: dict[str, Any] | None, *, title: str) -> None:
    """Lines of two bills side by side, and their total, where they have one."""
    rows = [[*(shown(line["by"][name]) for name in by), *_cells(line)] for line in lines]
    if total is not None and not by:  # the one line is the total
        by, rows = [""], []
    numbers = (*_FIGURES, *_DIFFERENCES)
    last = None if total is None else ["total", *[""] * (len(by) - 1), *_cells(total)]
    print_table([*by, *numbers], rows, title=title, right=numbers, total=last)


def _cells(line: dict[str, Any]) -> list[str | None]:
    """The figures of both bills, and by how much the money differs."""
    found = line["difference"]
    return [*(_pair(line, name) for name in _FIGURES), found["cost_usd"], charges_of(found["charges"])]


def _pair(line: dict[str, Any], name: str) -> str | None:
    base, current = (_cell(line[side], name) for side in ("base", "current"))
    return base if base == current else f"{shown(base)} → {shown(current)}"


def _cell(figures: dict[str, Any] | None, name: str) -> str | None:
    value = None if figures is None else figures[name]
    if name == "charges":
        return charges_of(value or [])
    return None if value is None else str(value)
