"""/docs shows the document from files of the package alone: nothing is fetched from elsewhere, nothing runs inline."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from keyledger.http.answer import errors
from keyledger.http.openapi import page

FILES = Path(page.__file__).parent / "files"
OURS = {"README.md", "index.html", "page.js"}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """An app that has the page alone."""
    app = FastAPI(docs_url=None, redoc_url=None)
    page.add_page(app)
    errors.install(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://keyledger") as made:
        yield made


async def test_all_that_the_page_loads_is_in_the_package(client: httpx.AsyncClient) -> None:
    html = (await client.get("/docs")).text
    loaded = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert {"docs/page.js", "docs/swagger-ui-bundle.js", "docs/swagger-ui.css"} <= set(loaded)
    for path in set(loaded) - {"data:,", "openapi.json"}:
        answer = await client.get(f"/{path}")
        assert answer.status_code == 200, path
        assert answer.content == (FILES / Path(path).name).read_bytes()
        assert answer.headers["content-type"].startswith("text/css" if path.endswith("css") else "text/javascript")


@pytest.mark.parametrize("path", ["/docs", "/docs/page.js"])
async def test_the_browser_may_run_and_load_nothing_else(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.head(path)).headers
    policy = dict(one.strip().split(" ", 1) for one in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_nothing_is_written_into_the_page_that_its_policy_forbids() -> None:
    html = (FILES / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|\bstyle=|\bon\w+=|https?:", html)
    assert re.findall(r"<script[^>]*>(.*?)</script>", html, re.DOTALL) == ["", ""]
    # A token does not belong in a browser: the page is to read.
    assert "supportedSubmitMethods: []" in (FILES / "page.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["README.md", "index.html", "..%2Fpage.py", "%2e%2e%2fpage.py", "nothing.js"])
async def test_no_other_file_can_be_had(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/docs/{name}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_files_of_others_are_those_that_were_published() -> None:
    readme = (FILES / "README.md").read_text(encoding="utf-8")
    named = dict(re.findall(r"\| `([^`]+)` \| `([0-9a-f]{64})` \|", readme))
    assert named == {one.name: sha256(one.read_bytes()).hexdigest() for one in FILES.iterdir() if one.name not in OURS}
    assert "LICENSE" in named, "its licence goes with it"
    version = re.search(r"`swagger-ui-dist` (\d+\.\d+\.\d+)", readme)
    assert version
    assert version[1] in (FILES / "swagger-ui-bundle.js").read_text(encoding="utf-8")
