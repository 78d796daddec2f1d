"""A person with a browser at a running console: what they click, what the browser refused, and where it went."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from tests.support.browser.chromium import axe, executable

# Without these it calls its maker's hosts; a container has no sandbox of its own.
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
SCREENSHOTS: Final = Path(__file__).parents[3] / "test-results" / "console"
LOOKS: Final[dict[str, dict[str, Any]]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1440, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1440, "height": 900}},
    "narrow": {"color_scheme": "light", "viewport": {"width": 360, "height": 800}},
}


@dataclass
class Visitor:
    """One person's browser. `complaints` is what it refused or failed at, `elsewhere` what it asked of other hosts."""

    page: Page
    origin: str
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)

    def go(self, path: str) -> None:
        """Open a page."""
        self.page.goto(self.origin + path)

    def log_in(self, token: str) -> None:
        """Paste an admin token."""
        self.go("/console/login")
        self.page.get_by_label("Admin token").fill(token)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_load_state()

    def click(self, name: str, role: Any = "link") -> None:
        """Click what has the name, and wait for the whole page that it leads to: some come in parts."""
        self.page.get_by_role(role, name=name).first.click()
        self.page.wait_for_load_state()

    def faults(self) -> list[str]:
        """What axe finds that is serious or worse."""
        self.page.evaluate(axe())
        found = self.page.evaluate("async () => (await axe.run()).violations")
        return [
            f"{one['id']}: {one['help']}: {one['nodes'][0]['html']}"
            for one in found
            if one["impact"] in {"serious", "critical"}
        ]

    def too_wide(self) -> bool:
        """Whether the page itself, and not a table in it, must be scrolled to the side."""
        wide: bool = self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        return wide

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.origin).netloc:
            self.elsewhere.append(request.url)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A Chromium. Raises CannotInstall."""
    program = executable()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()
