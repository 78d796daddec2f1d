"""The picture of the README: the demo's bill in the console. `python -m tests.support.browser.picture`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.support.browser.demo import running_demo
from tests.support.browser.visitor import Visitor, running_browser

PICTURE = Path(__file__).parents[3] / "docs" / "console.png"


def main() -> None:
    """Run the demo, look, and write the picture."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_demo(Path(folder) / "demo") as demo,
        running_browser() as browser,
    ):
        page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="light")
        visitor = Visitor(page, demo.origin)
        visitor.log_in(demo.token)
        visitor.go(f"/console/keys/{demo.key_of('globex')}")
        page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
