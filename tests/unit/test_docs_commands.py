"""docs/commands.md has every command of the command line, and each option in the section of its command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import typer

from keyledger.cli import app
from tests.support.documents import ROOT

# What most commands take: said once, above the sections.
OF_MOST: Final = {"--data", "--json", "--help"}


def commands(group: Any, path: tuple[str, ...] = ("keyledger",)) -> Iterator[tuple[str, set[str]]]:
    """Every command that does something, as it is called, with the names of its options."""
    found = getattr(group, "commands", {})
    for name, command in found.items():
        yield from commands(command, (*path, name))
    if not found:
        options = {name for one in group.params for name in one.opts if name.startswith("--")}
        yield " ".join(path), options


def sections() -> dict[str, str]:
    """The text of the section in which each command has its row."""
    _, _, text = (ROOT / "docs/commands.md").read_text().partition("\n## The commands\n")
    found: dict[str, str] = {}
    for section in re.split(r"^##+ ", text, flags=re.MULTILINE):
        rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
        found |= dict.fromkeys((name for row in rows for name in re.findall(r"`(keyledger [^`]+)`", row)), section)
    return found


def test_every_command_and_option_is_in_the_page_of_the_commands() -> None:
    documented, there = sections(), dict(commands(typer.main.get_command(app)))
    assert documented.keys() == there.keys(), "a row for each command, and for nothing else"
    words = {name: set(re.findall(r"--[a-z][a-z-]*", section)) for name, section in documented.items()}
    missing = {name: options - words[name] - OF_MOST for name, options in there.items()}
    assert {name: options for name, options in missing.items() if options} == {}
