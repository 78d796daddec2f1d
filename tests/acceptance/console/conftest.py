"""The demo's registry, left running, and a Chromium before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser.demo import Demo, running_demo
from tests.support.browser.visitor import LOOKS, Visitor, running_browser
from tests.support.servers.broker import missing_service
from tests.support.servers.environments import CannotInstall


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The story of `make demo`, and its registry."""
    with running_demo(tmp_path_factory.mktemp("console") / "demo") as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for a file of tests: while it is there a loop runs, so tests elsewhere could have none of their own.

    Where none can be had the test is skipped, and fails when CI=true.
    """
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
