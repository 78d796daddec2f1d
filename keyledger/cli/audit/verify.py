"""keyledger audit verify: is everything as the log says, and is the log as it was written?"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from keyledger.cli.client import AsJson, CommandFailed, Data, given
from keyledger.cli.printing.output import print_json, say
from keyledger.cli.printing.streaming import follow

_SHOWN = 100
_WAIT_S = 30  # for a projector that has just begun
_BOOKMARK = (
    "Go on where this file says, and keep it up to date: an interrupted run is resumed, and a nightly one looks at "
    "what is new, and at all of the current state."
)


def register(app: typer.Typer) -> None:
    """Put the command on the app of `audit`."""
    app.command(epilog="Example: keyledger audit verify --bookmark ./verified")(verify)


def verify(
    repair: Annotated[
        bool, typer.Option("--repair", help="Rebuild derived data that is wrong; never the log.")
    ] = False,
    bookmark: Annotated[Path | None, typer.Option(help=_BOOKMARK, dir_okay=False)] = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Compare log, current state, ClickHouse and the gateway's table of keys. Exit code 1 when anything is wrong."""
    if repair and bookmark is not None:
        raise CommandFailed("--repair looks at everything: leave --bookmark away", 2)
    taken = _Taken(bookmark, json)
    if repair:
        result = follow(data, "POST", "/operator/audit/repair", taken.take)
    else:
        query = given(bookmark=_read(bookmark), wait_s=_WAIT_S)
        result = follow(data, "GET", "/audit/verify", taken.take, params=query)
    if bookmark is not None:
        _keep(bookmark, None if result["findings"] else result["bookmark"])
    if json:
        print_json({**result, "items": taken.findings, **({"expired": taken.expired} if taken.expired else {})})
    else:
        for one in taken.expired:
            until = "it has none left" if one["until"] is None else f"the oldest it has is of {one['until']}"
            say(f"{one['rows']} rows have expired in the gateway's {one['table']}, and stay in bills: {until}")
        _tell(result)
    if result["findings"]:
        raise CommandFailed(_count(result["findings"], taken.count))


@dataclass
class _Taken:
    """What came so far."""

    bookmark: Path | None
    json: bool
    findings: list[Any] = field(default_factory=list)
    expired: list[Any] = field(default_factory=list)
    count: int = 0

    def take(self, kind: str, part: Any) -> None:
        """Show a finding or keep it for later; keep the bookmark up to date."""
        if kind == "finding":
            self.count += 1
            if self.json:
                self.findings.append(part)
            elif self.count <= _SHOWN:
                say(_line(part))
        if kind == "item" and "expired" in part:
            self.expired.append(part["expired"])
        if kind == "progress" and self.bookmark is not None and part["bookmark"]:
            _keep(self.bookmark, part["bookmark"])


def _tell(result: dict[str, Any]) -> None:
    if repaired := result.get("repaired"):
        positions, streams = repaired["positions"], repaired["streams"]
        rows = repaired["gateway_rows"]
        gateway = "" if rows is None else f", {rows} rows of the gateway's table of keys"
        usage = f", {entries} entries of the usage journal added" if (entries := repaired["usage_entries"]) else ""
        say(f"rebuilt: {positions} positions in ClickHouse, {streams} streams of current state{gateway}{usage}")
    if not result["findings"]:
        rows = result.get("gateway_rows")
        gateway = "" if rows is None else f", {rows} rows of the gateway's table of keys among it"
        until = f", up to position {result['position']}" if "position" in result else ""
        say(f"everything is as the log says{until}{gateway}")
    elif "repaired" in result and repaired is None:
        say("the log itself is wrong: nothing was rebuilt from it")


def _count(findings: int, shown: int) -> str:
    words = "1 finding" if findings == 1 else f"{findings} findings"
    if findings > shown:
        words += f", {findings - shown} of them before the bookmark"
    return words + (f"; {shown - _SHOWN} are not shown, --json has all" if shown > _SHOWN else "")


def _line(finding: dict[str, Any]) -> str:
    at = f" at position {finding['position']}" if finding["position"] is not None else ""
    return f"{finding['kind'].upper()} {finding['where']}{at}: {finding['detail']}\n  do: {finding['fix']}"


def _read(bookmark: Path | None) -> str | None:
    if bookmark is None or not bookmark.exists():
        return None
    try:
        return bookmark.read_text(encoding="ascii").strip()
    except UnicodeDecodeError:
        raise CommandFailed(f"{bookmark} holds no bookmark: name the file that `verify` wrote, or a new one") from None


def _keep(bookmark: Path, text: str | None) -> None:
    """Write it atomically. None: the next run starts from the beginning, so it finds a finding again."""
    if text is None:
        bookmark.unlink(missing_ok=True)
        return
    scratch = bookmark.with_name(f".{bookmark.name}.{os.getpid()}")
    scratch.write_text(text + "\n", encoding="ascii")
    scratch.replace(bookmark)
