"""Which registry a command means: a data folder, or the databases that the settings name."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from keyledger.settings.errors import SettingsError
from keyledger.settings.names import variable
from keyledger.settings.settings import Settings

_DEFAULT: Final = Path("keyledger-data")
# What names a registry in production.
_URLS: Final = ("database_url", "migration_database_url", "clickhouse_url")


def chosen_folder(option: Path | None, settings: Settings) -> Path | None:
    """The folder of `--data`, else of KEYLEDGER_DATA; None for the databases, where their URLs are set.

    With neither it is the default folder. Raises SettingsError where both are set and no `--data` chooses, and for
    databases without that of the log.
    """
    if option is not None:
        return option
    urls = [variable(name) for name in _URLS if getattr(settings, name) is not None]
    if settings.data is not None and urls:
        raise SettingsError(
            f"{variable('data')} and {' and '.join(urls)} are set, and this command could mean either registry: give "
            f"--data {settings.data} for the one in the folder, or unset {variable('data')} for the databases"
        )
    if urls:
        settings.require("database_url")
        return None
    return folder_of(option, settings)


def folder_of(option: Path | None, settings: Settings) -> Path:
    """The data folder: that of `--data`, else of KEYLEDGER_DATA, else ./keyledger-data."""
    return option or settings.data or _DEFAULT
