"""The story of `make demo`, its registry left running."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.support.documents import ROOT

_STARTED: Final = "It runs at "


@dataclass(frozen=True, slots=True)
class Demo:
    """Where it runs, and its first admin token."""

    origin: str
    folder: Path
    token: str

    def key_of(self, customer: str) -> str:
        """The id of a customer's key."""
        answer = httpx.get(
            f"{self.origin}/admin/api-keys",
            params={"tag": f"customer_id:{customer}"},
            headers={"Authorization": f"Bearer {self.token}"},
        )
        public_id: str = answer.json()["items"][0]["public_id"]
        return public_id


@contextmanager
def running_demo(folder: Path) -> Iterator[Demo]:
    """The registry, until the block ends. Raises RuntimeError with what the demo said where it failed."""
    command = [sys.executable, "-u", "-m", "keyledger.demo", "--data", str(folder), "--keep-running"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        printed = []
        for line in process.stdout:
            printed.append(line)
            if line.startswith(_STARTED):
                break
        else:
            raise RuntimeError("".join(printed))
        try:
            yield Demo(line.removeprefix(_STARTED).split()[0], folder, (folder / "admin-token").read_text().strip())
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
