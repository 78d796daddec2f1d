"""keyledger status: how far everything is, and what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import typer

from keyledger.cli.client import AsJson, CommandFailed, Data, request
from keyledger.cli.printing.after_now import warn_after_now
from keyledger.cli.printing.output import print_json, say
from keyledger.cli.printing.tables import print_table

_LAG: Final = ("lag_positions", "lag_s", "failure")
_TABLES: Final = {
    "publishers": ("topic", "published", *_LAG),
    "projectors": ("name", "applied", *_LAG),
    "webhooks": ("id", "taken", "pending", "dead", *_LAG),
    "parts": ("part", "state", "host", "pid", "started_at", "succeeded_at", "silent_s"),
}


def register(app: typer.Typer) -> None:
    """Put the command on the app."""
    app.command(epilog="Example: keyledger status --json")(status)


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
    for what, columns in _TABLES.items():
        if seen[what]:
            _print_rows(columns, seen[what], what)
    for one in seen["gateways"]:
        _print_gateway(one)
    say(_verified(seen["verified"]))
    if (count := seen["gateway_count"]) and not count["failure"]:
        say(_count(count))
    if seen["collector"]:
        say(_collector(seen["collector"]))
    say(_usage(seen["usage"]))
    warn_after_now(seen["usage"])
    if seen["redelivered"] and seen["redelivered"]["count"]:
        again = seen["redelivered"]
        say(f"redelivered: {again['count']} events came again, up to position {again['greatest_position']}")
    if seen["dead_letters_open"]:
        say(f"dead letters open: {seen['dead_letters_open']}")
    for alarm in seen["alarms"]:
        say(f"ALARM {alarm['kind']}: {alarm['detail']}\n  do: {alarm['fix']}")


def _print_gateway(one: dict[str, Any]) -> None:
    looked = one["reconciled_at"] or "never"
    say(f"gateway {one['name']}: all keys compared at {looked}, {one['drift_repaired']} rows put back")
    if one["without_hash"]:
        say(f"gateway {one['name']}: {one['without_hash']} credentials have no hash here, and no row there")
    if one["index_missing"]:
        say(
            f"gateway {one['name']}: no index serves its look-up of keys\n"
            "  do: keyledger project gateway --create-index"
        )


def _print_rows(columns: Sequence[str], rows: Sequence[dict[str, Any]], title: str) -> None:
    print_table(columns, ([one[column] for column in columns] for one in rows), title=title)


def _verified(last: dict[str, Any] | None) -> str:
    if last is None:
        return "audit verify: has not run in full yet"
    when = f"audit verify: the last full one ended {_ago(last['age_s'])} ago"
    if last["failure"] is not None:
        return f"{when}, unfinished: {last['failure']}"
    findings = f"with findings: {last['findings']}" if last["findings"] else "and found all as the log says"
    return f"{when}, at position {last['position']}, {findings}"


def _ago(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _count(count: dict[str, Any]) -> str:
    words = f"{count['recorded']} inferences have rows, {count['counted']} were counted by the gateway"
    if count["recorded"] > count["counted"] * 1.05 + 10:
        words += ": does KEYLEDGER_GATEWAY_METRICS_URL name all of its processes?"
    return f"usage from {count['since']} to {count['until']}: {words}"


def _collector(one: dict[str, Any]) -> str:
    words = f"usage journal: batch {one['batch']}"
    if not one["uncollected"]:
        return f"{words}, all rows of the gateway's are in it"
    return f"{words}, {one['uncollected']} rows are not in it yet, the oldest for {one['lag_s']:.0f} s"


def _usage(usage: dict[str, Any]) -> str:
    if usage["hint"]:
        return f"usage: {usage['hint']}"
    rows = ", ".join(
        f"{table} {'?' if count is None else count}" for table, count in usage["rows"].items() if count != 0
    )
    return f"usage: seen until {usage['seen_until']}; rows: {rows}"
