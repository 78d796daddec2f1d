"""Whom the files of a data folder belong to. A copy that another account made opens nowhere: the error says the fix."""

from __future__ import annotations

import os
import pwd
import shlex
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from keyledger.embedded.errors import WrongMode, WrongOwner


def check_files(folder: Path, uid: int, *, leave_out: Path | None = None) -> None:
    """Raise WrongOwner or WrongMode if the account can't use all of the folder. Files may go meanwhile."""
    for path, state in _entries(folder, leave_out):
        # What everybody may read is let pass: root may have edited the configuration.
        if state.st_uid != uid and not (stat.S_ISREG(state.st_mode) and state.st_mode & stat.S_IROTH):
            raise WrongOwner(
                f"{path} belongs to {account_name(state.st_uid)} and not to {account_name(uid)}, as after a copy by "
                f"another account. Stop what uses it, and run: {chown(uid, folder)}"
            )
        needed = 0o700 if stat.S_ISDIR(state.st_mode) else 0o600
        if state.st_uid == uid and state.st_mode & needed != needed and not stat.S_ISLNK(state.st_mode):
            raise WrongMode(
                f"{path} has mode {stat.S_IMODE(state.st_mode):04o}, and its owner must read and write it. "
                f"Run: chmod -R u+rwX {shlex.quote(str(folder))}"
            )


def chown(uid: int, folder: Path) -> str:
    """The command that gives the folder to an account, with the group of its login."""
    name = account_name(uid)
    who = f"{name}:" if name != str(uid) else name
    return f"{'' if os.geteuid() == 0 else 'sudo '}chown -R {who} {shlex.quote(str(folder))}"


def account_name(uid: int) -> str:
    """The name of the account; its number where it has none here."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _entries(folder: Path, leave_out: Path | None) -> Iterator[tuple[str, os.stat_result]]:
    """The folder and all below it, each folder before what is in it."""
    waiting = [str(folder)]
    while waiting:
        path = waiting.pop()
        with suppress(OSError):
            state = os.lstat(path)
            yield path, state
            if stat.S_ISDIR(state.st_mode):
                waiting += [one.path for one in os.scandir(path) if leave_out is None or one.path != str(leave_out)]
