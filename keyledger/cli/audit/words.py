"""How values look to a person: one line each, and nothing in them can command a terminal."""

from __future__ import annotations

from typing import Any

from keyledger.cli.printing.output import readable

ABSENT = "-"


def indented(text: str) -> str:
    """A text of several lines below a label."""
    return "\n    ".join(readable(line) for line in text.split("\n"))


def shown(value: Any) -> str:
    """A value of a field."""
    if value is None:
        return ABSENT
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    return readable(str(value))


def actor(event: dict[str, Any]) -> str:
    """Who it was, and for whom."""
    name = event["actor_name"]
    who = event["actor"] if name is None else f"{readable(name)} ({event['actor']})"
    person = event["on_behalf_of"]
    return who if person is None else f"{who} for {readable(person)}"
