"""Whoever installs Keyledger gets what it uses, and nothing that it does not."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
# Used without an import of ours.
_BEHIND_OTHERS = {
    "tzdata": "zoneinfo reads it where the system has no time zones",
}


def normal(name: str) -> str:
    """A distribution's name as indexes compare it, without extras and versions."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", name)[0]).lower()


def imported() -> set[str]:
    """The distributions that our packages import."""
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    sources = [file.read_text(encoding="utf-8") for package in packages for file in (ROOT / package).rglob("*.py")]
    modules = {name for source in sources for name in re.findall(r"(?m)^\s*(?:import|from) ([a-z_0-9]+)", source)}
    return {normal(one) for name, all_of in packages_distributions().items() if name in modules for one in all_of}


def test_every_dependency_is_used() -> None:
    declared = {normal(one) for one in PROJECT["project"]["dependencies"]}
    assert declared - imported() == set(_BEHIND_OTHERS)
