"""keyledger bill, load, sql, status: what finance and operators ask."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from keyledger.cli.client import AsJson, CommandFailed, Data, call, checked, given, request
from keyledger.cli.output import counting, print_json, print_table, say

_NUMBERS = (
    "inferences",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cached_output_tokens",
    "cost_usd",
    "unpriced",
)


def register(app: typer.Typer) -> None:
    """Put the commands on the app."""
    app.command(
        epilog="Example: keyledger bill --group-by customer_id --since 2026-03-01T00:00:00Z "
        "--until 2026-04-01T00:00:00Z"
    )(bill)
    app.command(epilog="Example: keyledger load ModelInference rows-1.jsonl rows-2.parquet")(load)
    app.command(epilog='Example: keyledger sql "SELECT count() FROM tensorzero.ModelInference"')(sql)
    app.command(epilog="Example: keyledger status --json")(status)


def bill(
    since: Annotated[str, typer.Option(help="Inclusive: RFC 3339 with an offset.")],
    until: Annotated[str, typer.Option(help="Exclusive: RFC 3339 with an offset.")],
    group_by: Annotated[
        list[str] | None, typer.Option(help="A tag's name, or model, provider, function, hour, day, month; repeat.")
    ] = None,
    more: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="More names to group by.")] = None,
    known_at: Annotated[int | None, typer.Option(min=0, help="As known at this position of the log.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="name:value; repeat: all must hold.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="IANA name for hour, day and month; UTC by default.")] = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Bill a period: each inference by the tags that its key had at the inference's own instant."""
    names = [*(group_by or []), *(more or [])]

    async def ask(client: httpx.AsyncClient) -> Any:
        # What was acknowledged before this command is in the bill.
        wait_for = None if known_at is not None else checked(await client.get("/operator/status"))["head"]
        query = given(
            group_by=names,
            since=since,
            until=until,
            known_at=known_at,
            wait_for=wait_for,
            tag=tag,
            time_zone=time_zone,
        )
        return checked(await client.get("/billing/usage", params=query))

    made = call(data, ask)
    if json:
        print_json(made)
        return
    print_bill(made)


def print_bill(made: dict[str, Any]) -> None:
    """The bill for a person."""
    known = "with all that is known" if made["known_at"] is None else f"as known at {made['known_at']}"
    say(f"period {made['since']} to {made['until']}, position {made['position']}, {known}")
    by = made["group_by"]
    for title, lines in (
        ("Bill", made["lines"]),
        ("Outside the key's life (not in the total; finance decides)", made["late_lines"]),
    ):
        if lines or title == "Bill":
            rows = [[*(line["by"][name] for name in by), *(line[name] for name in _NUMBERS)] for line in lines]
            if title == "Bill":
                rows.append([*(["total", *[""] * (len(by) - 1)] if by else []), *(made["total"][n] for n in _NUMBERS)])
            print_table([*by, *_NUMBERS], rows, title=title, right=_NUMBERS)
    rows = [[one["bucket"], *(one[name] for name in _NUMBERS)] for one in made["coverage"]]
    print_table(["bucket", *_NUMBERS], rows, title="Coverage: everything the gateway recorded", right=_NUMBERS)
    usage = made["usage"]
    if not usage["rows"]:
        say("no usage rows in this period")
        return
    say(
        f"{usage['rows']} usage rows, the latest at {usage['seen_until']}, fingerprint {usage['fingerprint']}, "
        f"{usage['conflicting_duplicates']} conflicting duplicates"
    )


def load(
    table: Annotated[str, typer.Argument(help="ChatInference, JsonInference, ModelInference or BatchIdByInferenceId.")],
    files: Annotated[list[Path], typer.Argument(help=".jsonl, .csv or .parquet", exists=True, dir_okay=False)],
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Load gateway rows into the embedded engine. A file is loaded whole or not at all; loading it twice bills once."""
    loaded: list[dict[str, Any]] = []

    async def run(client: httpx.AsyncClient) -> None:
        body = {"table": table, "files": [str(file.resolve()) for file in files]}
        with counting() as progress:
            task = progress.add_task(f"loading {table}", total=len(files))
            async with client.stream("POST", "/operator/load", json=body) as response:
                if not response.is_success:
                    await response.aread()
                    checked(response)
                async for line in response.aiter_lines():
                    loaded.append(jsonlib.loads(line))
                    progress.advance(task)

    call(data, run, quiet=True)
    if json:
        print_json(loaded)
    for one in loaded:
        if "error" in one:
            raise CommandFailed(f"{one['file']}: {one['error']}")
        if not json:
            say(f"{table}: {one['rows']} rows from {one['file']}")


def sql(
    statement: Annotated[str, typer.Argument(help="One ClickHouse statement.")],
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Run ClickHouse SQL with all the rights of the registry's own process: it can read and write files."""
    answer = request(data, "POST", "/operator/sql", json={"sql": statement})
    if json:
        print_json([dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]])
        return
    print_table(answer["columns"], answer["rows"])


def status(data: Data = None, json: AsJson = False) -> None:
    """Show the head of the log, how far each publisher and projector has followed, and every alarm (exit code 1)."""
    seen = request(data, "GET", "/operator/status")
    if json:
        print_json(seen)
    else:
        print_status(seen)
    if seen["alarms"]:
        raise CommandFailed(
            "an alarm is open" if len(seen["alarms"]) == 1 else f"{len(seen['alarms'])} alarms are open"
        )


def print_status(seen: dict[str, Any]) -> None:
    """The status for a person."""
    say(f"log {seen['log_id']}: head {seen['head']}, recorded at {seen['recorded_at']}")
    numbers = ("lag_positions", "lag_s", "failure")
    for what, name, reached in (("publishers", "topic", "published"), ("projectors", "name", "applied")):
        if seen[what]:
            columns = (name, reached, *numbers)
            print_table(columns, ([one[column] for column in columns] for one in seen[what]), title=what)
    for one in seen["gateways"]:
        looked = one["reconciled_at"] or "never"
        say(f"gateway {one['name']}: all keys compared at {looked}, {one['drift_repaired']} rows put back")
        if one["without_hash"]:
            say(f"gateway {one['name']}: {one['without_hash']} credentials have no hash here, and no row there")
        if one["index_missing"]:
            say(
                f"gateway {one['name']}: no index serves its look-up of keys\n"
                "  do: keyledger project gateway --create-index"
            )
    say(_usage(seen["usage"]))
    if seen["redelivered"]["count"]:
        again = seen["redelivered"]
        say(f"redelivered: {again['count']} events came again, up to position {again['greatest_position']}")
    if seen["dead_letters_open"]:
        say(f"dead letters open: {seen['dead_letters_open']}")
    for alarm in seen["alarms"]:
        say(f"ALARM {alarm['kind']}: {alarm['detail']}\n  do: {alarm['fix']}")


def _usage(usage: dict[str, Any]) -> str:
    if usage["hint"]:
        return f"usage: {usage['hint']}"
    rows = ", ".join(
        f"{table} {'?' if count is None else count}" for table, count in usage["rows"].items() if count != 0
    )
    return f"usage: seen until {usage['seen_until']}; rows: {rows}"
