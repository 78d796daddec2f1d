"""The warning of usage that a wrong clock dated after now."""

from __future__ import annotations

from typing import Any

from keyledger.cli.printing.output import say


def warn_after_now(usage: dict[str, Any]) -> None:
    """Say so where the gateway's rows have ids dated after now; `usage` is that of a bill or of the status."""
    found = usage["after_now"]
    if found and found["rows"]:
        say(
            f"WARNING {found['rows']} usage rows are dated after now, until {found['latest']}\n"
            "  do: find the host whose clock is wrong: docs/billing.md, Rows dated after now"
        )
