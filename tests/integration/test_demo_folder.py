"""The demo replaces its own folder and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyledger.demo.folder import replace_demo_folder, take_new_folder
from keyledger.embedded.errors import FolderError, FolderInUse
from keyledger.embedded.folder import DataFolder


def test_the_next_demo_empties_the_folder_of_the_last(tmp_path: Path) -> None:
    folder = tmp_path / "keyledger-demo"
    replace_demo_folder(folder)
    (folder / "postgres").mkdir()
    (folder / "postgres" / "owner-password").touch()
    (folder / "admin-token").touch()
    (tmp_path / "other").mkdir()
    (folder / "link").symlink_to(tmp_path / "other")
    replace_demo_folder(folder)
    assert sorted(entry.name for entry in folder.iterdir()) == ["lock", "made-by-demo"]
    assert (tmp_path / "other").exists()


@pytest.mark.parametrize("kept", ["notes.txt", "lock"])
def test_a_folder_that_no_demo_made_is_refused_and_stays_as_it_is(tmp_path: Path, kept: str) -> None:
    for name in (kept, "admin-token"):
        (tmp_path / name).write_text("")
    with pytest.raises(FolderError):
        replace_demo_folder(tmp_path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted((kept, "admin-token"))


def test_a_folder_in_use_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "keyledger-demo"
    replace_demo_folder(folder)
    (folder / "admin-token").touch()
    with DataFolder(folder), pytest.raises(FolderInUse):
        replace_demo_folder(folder)
    assert (folder / "admin-token").exists()


def test_a_chosen_folder_is_new_or_empty(tmp_path: Path) -> None:
    take_new_folder(tmp_path / "new")
    take_new_folder(tmp_path)
    replace_demo_folder(tmp_path)
    with pytest.raises(FolderError):
        take_new_folder(tmp_path)
