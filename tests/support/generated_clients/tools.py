"""The generators, each in a folder of its own below .venv."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.servers.environments import CannotInstall, made_once, python_with, run

HERE = Path(__file__).parent
_PACKAGES = ("package.json", "package-lock.json")


def python_generator() -> Path:
    """The folder of openapi-python-client's programs. Raises CannotInstall."""
    return python_with("openapi-python-client", HERE / "requirements.lock").parent


def typescript_tools() -> Path:
    """The folder of openapi-typescript's packages and programs: it needs node and npm. Raises CannotInstall."""
    if missing := [name for name in ("node", "npm") if shutil.which(name) is None]:
        raise CannotInstall(f"openapi-typescript can't be installed: there is no {' and no '.join(missing)} here")

    def make(home: Path) -> None:
        home.mkdir()
        for name in _PACKAGES:
            shutil.copy(HERE / name, home)
        quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
        run("openapi-typescript", "npm", "ci", *quiet, cwd=home)

    return made_once("openapi-typescript", HERE / "package-lock.json", make) / "node_modules"
