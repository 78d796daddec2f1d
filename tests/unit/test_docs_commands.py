"""docs/commands.md has every command of the command line, and each option in the section of its command."""

from __future__ import annotations

import re
from typing import Final

import typer

from keyledger.cli import app
from tests.support.command_line import commands
from tests.support.documents import ROOT

# What most commands take: said once, above the sections.
OF_MOST: Final = {"--data", "--json", "--help"}


def documented_by_help() -> dict[str, set[str]]:
    """Every command that does something, as it is called, with the names of its options."""
    return {
        " ".join(("keyledger", *words)): {name for one in command.params for name in one.opts if name.startswith("--")}
        for words, command in commands(typer.main.get_command(app))
        if not hasattr(command, "commands")
    }


def sections() -> dict[str, str]:
    """The text of the section in which each command has its row."""
    _, _, text = (ROOT / "docs/commands.md").read_text().partition("\n## The commands\n")
    found: dict[str, str] = {}
    for section in re.split(r"^##+ ", text, flags=re.MULTILINE):
        rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
        found |= dict.fromkeys((name for row in rows for name in re.findall(r"`(keyledger [^`]+)`", row)), section)
    return found


def test_every_command_and_option_is_in_the_page_of_the_commands() -> None:
    documented, there = sections(), documented_by_help()
    assert documented.keys() == there.keys(), "a row for each command, and for nothing else"
    words = {name: set(re.findall(r"--[a-z][a-z-]*", section)) for name, section in documented.items()}
    missing = {name: options - words[name] - OF_MOST for name, options in there.items()}
    assert {name: options for name, options in missing.items() if options} == {}
