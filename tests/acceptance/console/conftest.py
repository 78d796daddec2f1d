"""The demo's registry, left running, and a Chromium before it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from tests.support.browser.visitor import LOOKS, Visitor, running_browser
from tests.support.documents import ROOT
from tests.support.servers.broker import missing_service
from tests.support.servers.environments import CannotInstall

_STARTED = "It runs at "


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


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The story of `make demo`, and its registry."""
    folder = tmp_path_factory.mktemp("console") / "demo"
    command = [sys.executable, "-u", "-m", "keyledger.demo", "--data", str(folder), "--keep-running"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        told = []
        for line in process.stdout:
            told.append(line)
            if line.startswith(_STARTED):
                origin = line.removeprefix(_STARTED).split()[0]
                break
        else:
            pytest.fail("".join(told))
        try:
            yield Demo(origin, folder, (folder / "admin-token").read_text().strip())
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser for the session. Where none can be had the test is skipped, and fails when CI=true."""
    try:
        with running_browser() as browser:
            yield browser
    except CannotInstall as error:
        missing_service(str(error))


@pytest.fixture
def visit(chromium: Browser, demo: Demo) -> Iterator[Callable[..., Visitor]]:
    """Makes a person with a browser of a look. Nothing may have gone elsewhere, and nothing have been refused."""
    visitors: list[Visitor] = []

    def made(look: str = "light", *, script: bool = True) -> Visitor:
        context = chromium.new_context(**LOOKS[look], java_script_enabled=script, timezone_id="Europe/Berlin")
        visitors.append(Visitor(context.new_page(), demo.origin))
        return visitors[-1]

    yield made
    for one in visitors:
        one.page.context.close()
        assert one.elsewhere == []
        assert one.complaints == []
