"""Reads compose.yaml, Dockerfile and .dockerignore as Docker does, as far as the tests of them need, without Docker."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import yaml
from typer.main import get_command

from keyledger.cli import app

ROOT: Final = Path(__file__).resolve().parents[2]
_VARIABLE: Final = re.compile(r"\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}|\$\w+")


@dataclass(frozen=True, slots=True)
class Service:
    """One service of compose.yaml, its variables put in."""

    name: str
    about: Mapping[str, Any]

    @property
    def image(self) -> str:
        """Its image."""
        return str(self.about["image"])

    @property
    def ours(self) -> bool:
        """Whether it runs our image."""
        return self.image.startswith("keyledger:")

    @property
    def once(self) -> bool:
        """Whether it does its work and ends."""
        return bool(self.about["restart"] == "no")

    @property
    def command(self) -> list[str]:
        """What follows the entry point."""
        return list(self.about["command"])

    @property
    def environment(self) -> dict[str, str]:
        """Its variables."""
        return {name: str(value).strip() for name, value in self.about.get("environment", {}).items()}

    @property
    def check(self) -> list[str]:
        """The words of its health check; none where it has none."""
        return list(self.about.get("healthcheck", {}).get("test", []))

    @property
    def depends_on(self) -> dict[str, str]:
        """The services that it waits for, each with the condition."""
        return {name: str(about["condition"]) for name, about in self.about.get("depends_on", {}).items()}

    @property
    def volumes(self) -> list[list[str]]:
        """Of each volume: where it comes from, where it is, and its mode where it has one."""
        return [volume.split(":") for volume in self.about.get("volumes", [])]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the Dockerfile: its instructions with their arguments, in order."""

    name: str
    base: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        """The arguments of every instruction of this word."""
        return [arguments for one, arguments in self.instructions if one == word]

    def words(self, word: str) -> list[str]:
        """The last instruction of this word, in its JSON form."""
        words: list[str] = json.loads(self.all(word)[-1])
        return words


def compose(variables: Mapping[str, str]) -> dict[str, Any]:
    """compose.yaml with the variables put in. Raises KeyError, with its name, for one that must be set and is not."""
    made = _substituted(yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8")), variables)
    assert isinstance(made, dict)
    return made


def variables_of_compose() -> dict[str, bool]:
    """The variables of compose.yaml, and whether each must be set, wherever it stands."""
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    found: dict[str, bool] = {}
    for match in _VARIABLE.finditer(text):
        if match[1]:
            found[match[1]] = found.get(match[1], True) and match[2] == "?"
    return found


def _substituted(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _substituted(one, variables) for name, one in value.items()}
    if isinstance(value, list):
        return [_substituted(one, variables) for one in value]
    return _VARIABLE.sub(_replacement(variables), value) if isinstance(value, str) else value


def _replacement(variables: Mapping[str, str]) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        # `$NAME` would be an empty string, in silence, where nothing sets it.
        assert match[2], f"{match[0]} has neither a default nor words for when it is missing"
        value = variables.get(match[1], "")
        if not value and match[2] == "?":
            raise KeyError(match[1])
        return value or match[3]

    return replace


def dot_env(path: Path) -> dict[str, str]:
    """The variables of an env file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def stages() -> list[Stage]:
    """The stages of the Dockerfile, with its arguments put in."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    arguments: dict[str, str] = {}
    found: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        word, _, rest = line.partition(" ")
        if word == "ARG" and not found:
            name, _, value = rest.partition("=")
            arguments[f"${{{name}}}"] = value
        elif word == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(name, arguments.get(base, base)))
        else:
            found[-1].instructions.append((word, rest.strip()))
    return found


def copied(stage: Stage) -> Iterator[str]:
    """What a stage copies out of the build's context."""
    for arguments in stage.all("COPY"):
        if "--from=" not in arguments:
            yield from arguments.split()[:-1]


def let_through(path: str) -> bool:
    """Whether .dockerignore lets a path into the build's context: the last line that fits it or its folder counts."""
    result = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!").removeprefix("**/")
        anywhere = line.removeprefix("!").startswith("**/")
        parts = path.split("/")
        above = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        if any(fnmatch(part, pattern) for part in (parts if anywhere else above)):
            result = line.startswith("!")
    return result


def parsed(arguments: list[str]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The words that name a command of ours and its parameters, parsed as the command line does, without running it.

    Raises the parser's error for an option or a value that it does not take.
    """
    command: Any = get_command(app)
    rest, path = list(arguments), []
    while hasattr(command, "commands"):
        path.append(rest.pop(0))
        command = command.commands[path[-1]]
    with command.make_context(path[-1], rest) as context:
        return tuple(path), dict(context.params)
