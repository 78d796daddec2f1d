"""keyledger bill: what finance asks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from keyledger.cli.client import AsJson, CommandFailed, Data, ask, call
from keyledger.cli.finance.chart import ChartOf, chart_names, write_chart
from keyledger.cli.finance.csv_file import HEADERS, print_csv
from keyledger.cli.finance.period import Month, Since, Until, period
from keyledger.cli.finance.question import FIGURES, KnownAt, OfKey, Tags, UsageKnownAt, Zone, acknowledged, cells_of
from keyledger.cli.printing.after_now import warn_after_now
from keyledger.cli.printing.output import print_json, say
from keyledger.cli.printing.tables import print_table
from keyledger.client.calls import show_bill

_NUMBERS = ("inferences", *FIGURES)


def register(app: typer.Typer) -> None:
    """Put the command on the app."""
    app.command(epilog="Example: keyledger bill --group-by customer_id --month 2026-03 --time-zone Europe/Berlin")(bill)


def bill(
    since: Since = None,
    until: Until = None,
    month: Month = None,
    group_by: Annotated[
        list[str] | None, typer.Option(help="A tag's name, or model, provider, function, hour, day, month; repeat.")
    ] = None,
    more: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="More names to group by.")] = None,
    known_at: KnownAt = None,
    usage_known_at: UsageKnownAt = None,
    tag: Tags = None,
    key: OfKey = None,
    time_zone: Zone = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print the lines as CSV.")] = False,
    rounded: Annotated[
        bool, typer.Option("--round", help="With --csv: each amount once per line, to the currency's minor unit.")
    ] = False,
    chart: Annotated[
        Path | None,
        typer.Option(help="Draw the bill over time, by at most one other name, into this .png or .svg."),
    ] = None,
    chart_of: Annotated[ChartOf, typer.Option(help="What the chart shows.")] = ChartOf.COST,
    currency: Annotated[str | None, typer.Option(help="Of --chart-of charges, where there are several.")] = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Bill a period: each inference by the tags that its key had at the inference's own instant."""
    names = [*(group_by or []), *(more or [])]
    if sum((csv, json, chart is not None)) > 1:
        raise CommandFailed("give one of --csv, --json and --chart", 2)
    if rounded and not csv:
        raise CommandFailed("--round goes with --csv", 2)
    if chart is not None:
        names = chart_names(chart, names)
    since, until = period(since, until, month, time_zone)

    async def made(client: httpx.AsyncClient) -> Any:
        question = show_bill(
            group_by=names,
            since=since,
            until=until,
            known_at=known_at,
            usage_known_at=usage_known_at,
            wait_for=await acknowledged(client, known_at),
            tag=tag or (),
            key=key,
            time_zone=time_zone,
        )
        if csv:
            query = question.asking(round=rounded or None).query
            return await client.get(question.path, params=query, headers=HEADERS)
        return await ask(client, question)

    answered = call(data, made)
    if csv:
        print_csv(answered)
    elif chart is not None:
        write_chart(chart, answered, chart_of, currency)
        say(f"{chart} is drawn")
    elif json:
        print_json(answered)
    else:
        print_bill(answered)


def print_bill(made: dict[str, Any]) -> None:
    """The bill for a person."""
    known = "with all that is known" if made["known_at"] is None else f"as known at {made['known_at']}"
    usage = made["usage_known_at"]
    known += "" if usage is None else f", with the usage known at {usage}"
    say(f"period {made['since']} to {made['until']}, position {made['position']}, {known}")
    by = made["group_by"]
    for title, lines in (
        ("Bill", made["lines"]),
        ("Outside the key's life (not in the total; finance decides)", made["late_lines"]),
    ):
        if lines or title == "Bill":
            rows = [[*(line["by"][name] for name in by), *cells_of(line, _NUMBERS)] for line in lines]
            if title == "Bill":
                _print_total(by, rows, made["total"])
            else:
                print_table([*by, *_NUMBERS], rows, title=title, right=_NUMBERS)
    rows = [[one["bucket"], *cells_of(one, _NUMBERS)] for one in made["coverage"]]
    print_table(["bucket", *_NUMBERS], rows, title="Coverage: everything the gateway recorded", right=_NUMBERS)
    usage = made["usage"]
    warn_after_now(usage)
    if usage["uncollected"]:
        say(f"WARNING {usage['uncollected']} rows of the gateway's are not collected yet, and not in this bill")
    if not usage["rows"]:
        say("no usage rows in this period")
        return
    say(
        f"{usage['rows']} usage rows, the latest at {usage['seen_until']}, fingerprint {usage['fingerprint']}, "
        f"{usage['conflicting_duplicates']} conflicting duplicates, {_anchored(usage)}"
    )


def _anchored(usage: dict[str, Any]) -> str:
    at = usage["anchored_at"]
    return "not all anchored yet" if at is None else f"anchored at position {at}"


def _print_total(by: list[str], rows: list[list[Any]], total: dict[str, Any]) -> None:
    """The lines, and their total below a rule: a tag may have the value `total`, too."""
    if not by:  # the one line is the total
        by, rows = [""], []
    last = ["total", *[""] * (len(by) - 1), *cells_of(total, _NUMBERS)]
    print_table([*by, *_NUMBERS], rows, title="Bill", right=_NUMBERS, total=last)
