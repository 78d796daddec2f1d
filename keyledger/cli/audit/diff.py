"""keyledger audit diff: what changed between two positions, in keys, tags and the bill."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from keyledger.cli.audit.words import shown
from keyledger.cli.client import AsJson, CommandFailed, Data, given
from keyledger.cli.printing.output import print_json, readable, say
from keyledger.cli.printing.streaming import follow
from keyledger.cli.printing.tables import print_table

_FIGURES = ("inferences", "input_tokens", "output_tokens", "cost_usd")


def register(app: typer.Typer) -> None:
    """Put the command on the app of `audit`."""
    app.command(
        epilog="Example: keyledger audit diff --known-at 120 --known-at 180 --since 2026-03-01T00:00:00Z "
        "--until 2026-04-01T00:00:00Z --group-by customer_id"
    )(diff)


def diff(
    known_at: Annotated[list[int], typer.Option(min=0, help="Twice: the earlier position, then the later one.")],
    since: Annotated[str | None, typer.Option(help="Compare the bill from here on: RFC 3339 with an offset.")] = None,
    until: Annotated[str | None, typer.Option(help="Exclusive end of that bill.")] = None,
    group_by: Annotated[list[str] | None, typer.Option(help="As of the bill; repeat.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="name:value, as of the bill; repeat: all must hold.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="IANA name for hour, day and month; UTC by default.")] = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Tell what changed between two positions of the log. Exit code 1 when anything did."""
    if len(known_at) != 2 or known_at[0] > known_at[1]:
        raise CommandFailed("give --known-at twice, the earlier position first", 2)
    if (since is None) != (until is None) or (since is None and (group_by or tag or time_zone)):
        raise CommandFailed("to compare bills, give --since and --until", 2)
    found: dict[str, list[Any]] = {"key": [], "line": [], "late_line": []}

    def take(kind: str, part: Any) -> None:
        if kind == "item":
            ((what, item),) = part.items()
            if what == "key" and not json:
                say(_key(item))
            else:
                found[what].append(item)

    query = given(known_at=known_at, since=since, until=until, group_by=group_by, tag=tag, time_zone=time_zone)
    result = follow(data, "GET", "/audit/diff", take, params=query)
    if json:
        print_json(_whole(result, found))
    else:
        _conclude(result, found)
    if result["keys"] or _differs(result["bill"]):
        raise typer.Exit(1)


def _differs(bill: dict[str, Any] | None) -> bool:
    return bill is not None and bool(bill["lines"] or bill["late_lines"] or bill["total"] or bill["coverage"])


def _whole(result: dict[str, Any], found: dict[str, list[Any]]) -> dict[str, Any]:
    bill = result["bill"]
    if bill is not None:
        bill = {**bill, "lines": found["line"], "late_lines": found["late_line"]}
    return {**result, "keys": found["key"], "bill": bill}


def _key(key: dict[str, Any]) -> str:
    events = ", ".join(map(str, key["events"]))
    lines = [f"{key['public_id']}{' (created)' if key['created'] else ''}: by the events at {events}"]
    lines += [f"  {readable(one['field'])}: {shown(one['from'])} → {shown(one['to'])}" for one in key["changes"]]
    for span in key["timeline"]:
        until = span["until"] or "further notice"
        values = f"{shown(span['before'])} → {shown(span['after'])}"
        lines.append(f"  as of {span['from']} until {until}: {readable(span['tag'])}: {values}")
    return "\n".join(lines)


def _conclude(result: dict[str, Any], found: dict[str, list[Any]]) -> None:
    say(
        f"position {result['from']} to {result['to']}: keys touched {result['keys']}, by events {result['events']}; "
        f"events of admin tokens {result['other_events']}"
    )
    bill = result["bill"]
    if bill is None:
        return
    by = bill["group_by"]
    for title, lines in (("Lines that differ", found["line"]), ("Outside the key's life", found["late_line"])):
        if lines:
            _table(title, by, [([line["by"][name] for name in by], line) for line in lines])
    if bill["total"] is not None:
        _table("Total", [], [([], bill["total"])])
    if bill["coverage"]:
        _table("Coverage", ["bucket"], [([one["bucket"]], one) for one in bill["coverage"]])
    if not _differs(bill):
        say(f"the bill from {bill['since']} to {bill['until']} is the same")


def _table(title: str, by: list[str], lines: list[tuple[list[Any], dict[str, Any]]]) -> None:
    """Figures as before → after, and by how much the money differs."""
    rows = [
        [*map(shown, labels), *(_pair(line, name) for name in _FIGURES), line["cost_usd"]] for labels, line in lines
    ]
    print_table([*by, *_FIGURES, "difference"], rows, title=title, right=(*_FIGURES, "difference"))


def _pair(line: dict[str, Any], name: str) -> str:
    before, after = ("-" if line[side] is None else str(line[side][name]) for side in ("before", "after"))
    return before if before == after else f"{before} → {after}"
