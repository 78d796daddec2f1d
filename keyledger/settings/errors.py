"""What is wrong with the settings."""

from __future__ import annotations


class SettingsError(Exception):
    """Settings are wrong: each fault on a line of its own, by the variable's name, without its value."""
