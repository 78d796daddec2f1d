"""How PostgreSQL's programs are started: which binary, as whom, on which folder, with nothing of our environment."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from keyledger.embedded.postgresql.account import Account

# An environment of our own: PG* variables of the user must not steer the server, and messages come in one language.
ENVIRONMENT: Final = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}
# Linux' name for the folder that a process stands in, whatever lies above it.
_HERE: Final = "/proc/self/cwd"


@dataclass(frozen=True)
class Launcher:
    """Makes command lines and Popen options for the programs in `bin`, run as `account` (None: as ourselves)."""

    bin: Path
    account: Account | None

    def command(self, program: str, data: Path, *arguments: str) -> list[str]:
        """The command line of a program that works on the data folder."""
        return [str(self.bin / program), "-D", _HERE if self._from_inside else str(data), *arguments]

    def options(self, data: Path) -> dict[str, Any]:
        """Popen options: account, working folder, environment, umask, and a session of its own.

        The session keeps a Ctrl-C in the terminal from reaching the server before we have closed what uses it.
        """
        options: dict[str, Any] = {"env": ENVIRONMENT, "umask": 0o077, "start_new_session": True}
        if self.account is not None:
            options |= {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}
        return options | {"cwd": data}

    @property
    def _from_inside(self) -> bool:
        """Whether the program is put into the folder instead of getting its path.

        Root's folders are often closed to the account (a 0700 home). The child changes into the folder while it is
        still root; PostgreSQL and its children stay there and never look at the folders above.
        """
        return self.account is not None and sys.platform == "linux"
