"""How far a call is: by the lines that it answers with, whatever stands in them."""

from __future__ import annotations

from starlette.types import Scope

from keyledger.console.progress import Progress, SoFar
from projections.engine.client import NoClickHouse

LINES = {"type": "http.response.start", "headers": [(b"content-type", b"application/x-ndjson")]}


def part(body: bytes) -> dict[str, object]:
    return {"type": "http.response.body", "body": body}


def scope() -> Scope:
    return {"type": "http"}


async def test_the_last_line_with_progress_counts() -> None:
    progress = Progress()
    assert await progress.so_far(NoClickHouse()) is None
    progress.begin(scope())
    progress.watch(LINES)
    assert await progress.so_far(NoClickHouse()) is None
    progress.watch(part(b'{"progress": {"stage": "log", "done": 4, "total": 42, "bookmark": "x"}}\n'))
    progress.watch(part(b'{"finding": {}}\n{"progress": {"stage": "state", "done": 5, "total": 42}}\n{"item": 1}\n'))
    assert await progress.so_far(NoClickHouse()) == SoFar(5, 42, "state")
    for odd in (b"", b"\xff\n", b"[]\n", b'{"progress": 7}\n', b'{"progress": {"done": "x", "total": 1}}\n'):
        progress.watch(part(odd))
    assert await progress.so_far(NoClickHouse()) == SoFar(5, 42, "state")
    progress.begin(scope())
    assert await progress.so_far(NoClickHouse()) is None, "the next call begins at nothing"


async def test_other_answers_say_nothing_and_a_clickhouse_that_is_away_neither() -> None:
    progress = Progress()
    progress.begin(scope())
    progress.watch({"type": "http.response.start", "headers": [(b"content-type", b"application/json")]})
    progress.watch(part(b'{"progress": {"stage": "log", "done": 4, "total": 42}}'))
    assert await progress.so_far(NoClickHouse()) is None
