"""Settings from variables, or what is wrong with these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest

from keyledger.settings import Settings, SettingsError

SECRET: Final = "correct-horse"


def read(monkeypatch: pytest.MonkeyPatch, values: Mapping[str, str]) -> Settings:
    """The settings with these variables, named without their prefix."""
    for name, value in values.items():
        monkeypatch.setenv(f"KEYLEDGER_{name}", value)
    return Settings.read()


def faults(monkeypatch: pytest.MonkeyPatch, values: Mapping[str, str]) -> list[str]:
    """What is wrong with these variables, a line each."""
    with pytest.raises(SettingsError) as caught:
        read(monkeypatch, values)
    assert SECRET not in str(caught.value)
    return str(caught.value).splitlines()[1:]
