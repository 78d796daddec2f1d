"""The demo's own folder: made by one demo, replaced by the next, and never anybody else's."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from keyledger.embedded.errors import FolderError
from keyledger.embedded.folder import DataFolder
from keyledger.embedded.postgresql.processes import stop_servers

DEMO_FOLDER: Final = Path("keyledger-demo")
_MARK: Final = "made-by-demo"
_LOCK: Final = "lock"


def replace_demo_folder(path: Path) -> None:
    """Make the folder, or empty it where an earlier demo made it. Leaves it marked, with nothing else than its lock.

    Raises FolderInUse while a process uses it, and FolderError where no demo made it: then nothing has changed.
    """
    folder = DataFolder(path)
    with folder:
        if not (path / _MARK).is_file() and {entry.name for entry in path.iterdir()} != {_LOCK}:
            raise FolderError(f"no demo made {path}: move it away, or choose a new folder with --data.")
        (path / _MARK).touch()  # first, so that a demo which is killed in between can be replaced as well
        if (folder.postgres / "data").is_dir():
            stop_servers(folder.postgres / "data")
        for entry in path.iterdir():
            if entry.name in {_MARK, _LOCK}:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def take_new_folder(path: Path) -> None:
    """Check that the folder that somebody chose is new or empty, or raise FolderError."""
    if path.exists() and any(path.iterdir()):
        raise FolderError(f"{path} is not empty: choose a new folder.")
