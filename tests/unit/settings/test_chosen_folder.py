"""Which registry a command means: a folder or databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyledger.settings import Settings, SettingsError, chosen_folder, folder_of
from tests.support.settings_read import SECRET, read

URLS = {
    "DATABASE_URL": f"postgresql://app:{SECRET}@host/ledger",
    "CLICKHOUSE_URL": f"http://app:{SECRET}@host:8123",
}


def test_a_command_means_a_folder_or_the_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen_folder(None, read(monkeypatch, {})) == Path("keyledger-data")
    assert chosen_folder(Path("here"), read(monkeypatch, URLS)) == Path("here")
    assert chosen_folder(None, read(monkeypatch, URLS)) is None
    monkeypatch.delenv("KEYLEDGER_CLICKHOUSE_URL")
    assert chosen_folder(None, Settings.read()) is None, "without bills, all the rest works"
    monkeypatch.delenv("KEYLEDGER_DATABASE_URL")
    settings = read(monkeypatch, {"DATA": "there"})
    assert (chosen_folder(None, settings), chosen_folder(Path("here"), settings)) == (Path("there"), Path("here"))
    assert (folder_of(None, settings), folder_of(Path("here"), settings)) == (Path("there"), Path("here"))


@pytest.mark.parametrize("name", [*URLS, "MIGRATION_DATABASE_URL"])
def test_a_folder_and_databases_at_once_are_refused_unless_the_option_chooses(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The log that was not meant would be changed."""
    settings = read(monkeypatch, {"DATA": "there", name: URLS.get(name, URLS["DATABASE_URL"])})
    with pytest.raises(SettingsError, match=f"KEYLEDGER_{name}.*--data there.*unset KEYLEDGER_DATA") as caught:
        chosen_folder(None, settings)
    assert SECRET not in str(caught.value)
    assert chosen_folder(Path("there"), settings) == Path("there")


def test_clickhouse_alone_is_no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder would be asked, and the URL ignored in silence."""
    with pytest.raises(SettingsError, match="set KEYLEDGER_DATABASE_URL"):
        chosen_folder(None, read(monkeypatch, {"CLICKHOUSE_URL": URLS["CLICKHOUSE_URL"]}))
