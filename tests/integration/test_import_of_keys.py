"""An import of keys against a registry that says what a test wants: what is in doubt stays so until it is known."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from keyledger.cli.keys.files.journal import Journal
from keyledger.cli.keys.files.rows import Row
from keyledger.cli.keys.files.run import Import, Outcome, Registry, RowsRefused
from keyledger.client import Conflict
from keyledger.runtime.serving.server import bind_tcp, serving

ROWS = [Row(line, {"tags": {"n": str(line)}}) for line in (1, 2)]


@dataclass
class Scripted:
    """Answers with these statuses, one after the other, then with 201; and knows the idempotency keys."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    retry_after: bool = False
    keys: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        request = Request(scope, receive)
        items = (await request.json())["items"]
        self.keys.append(request.headers["idempotency-key"])
        status = self.statuses.pop(0) if self.statuses else 201
        body: dict[str, Any] = {"title": "t", "status": status, "detail": "scripted", "errors": []}
        if status == 201:
            body = {"items": [{"public_id": f"id{number}", "api_key": "s"} for number in range(len(items))]}
        headers = {"Retry-After": "0"} if self.retry_after else {}
        kind = "application/json" if status == 201 else "application/problem+json"
        await JSONResponse(body, status, headers, kind)(scope, receive, send)


@pytest.fixture
async def registry() -> AsyncIterator[Scripted]:
    """One on loopback."""
    app, bound = Scripted(), bind_tcp("127.0.0.1", 0)
    app.url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    async with serving([(app, bound)]):
        yield app


async def run(registry: Scripted, out: Path) -> Outcome:
    """The import, in a thread as in a command."""

    def work() -> Outcome:
        with Journal(out) as journal:
            return Import(Registry(registry.url, "t", "kl-admin-x"), ROWS, journal).run(100, lambda _count: None)

    return await asyncio.to_thread(work)


@pytest.mark.parametrize("later", [401, 403])
async def test_a_token_that_ends_after_a_lost_answer_leaves_the_rows_in_doubt(
    registry: Scripted, tmp_path: Path, later: int
) -> None:
    """They may be done: to send them under another key would make them twice."""
    out, registry.statuses = tmp_path / "out", [502, later]
    with pytest.raises(Exception, match="scripted"):
        await run(registry, out)
    registry.statuses = [later]
    with pytest.raises(Exception, match="scripted"):
        await run(registry, out)
    assert await run(registry, out) == Outcome(2, 0)
    assert len(set(registry.keys)) == 1, registry.keys
    assert [json.loads(line)["public_id"] for line in out.read_text().splitlines()] == ["id0", "id1"]


async def test_a_first_request_that_still_runs_is_waited_for(registry: Scripted, tmp_path: Path) -> None:
    registry.statuses, registry.retry_after = [409, 409], True
    assert await run(registry, tmp_path / "out") == Outcome(2, 0)
    assert len(set(registry.keys)) == 1
    registry.statuses = [409] * 20
    with pytest.raises(Conflict):
        await run(registry, tmp_path / "other")
    registry.statuses = []
    assert await run(registry, tmp_path / "other") == Outcome(2, 0)
    assert len(set(registry.keys)) == 2


@pytest.mark.parametrize("status", [401, 403, 404, 409, 413, 422])
async def test_what_is_refused_at_once_is_not_in_doubt(registry: Scripted, tmp_path: Path, status: int) -> None:
    registry.statuses = [status]
    with pytest.raises(RowsRefused, match="lines 1 to 2: scripted"):
        await run(registry, tmp_path / "out")
    assert not (tmp_path / "out.sending").exists()
    assert await run(registry, tmp_path / "out") == Outcome(2, 0)
    assert len(set(registry.keys)) == 2
