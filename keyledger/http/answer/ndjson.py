"""Long answers as NDJSON: one object a line, with one member that says what it is, so that a caller can show progress.

`progress`, `finding`, `item` as often as they come; at the end one `result`, or one `error`. Without either the answer
was cut off.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Final

from fastapi.responses import StreamingResponse

from audit.errors import AuditError
from audit.report import Expired, Finding
from keyledger.http.answer.answers import position_headers
from keyledger.http.answer.encode import encode
from keyledger.http.answer.errors import words_for
from projections.errors import ProjectionError
from registry.errors import RegistryError
from registry.progress import Progress

MEDIA_TYPE: Final = "application/x-ndjson"

Part = Progress | Finding | Expired | dict[str, Any]


def stream(parts: AsyncIterator[Part], position: int) -> StreamingResponse:
    """The answer that sends parts as they come; a dict is an item, and the last one, under `result`, the result.

    What fails on the way is the last line: the status was sent long before.
    """
    return StreamingResponse(lines(parts), media_type=MEDIA_TYPE, headers=position_headers(position))


async def lines(parts: AsyncIterator[Part], *, full: bool = True) -> AsyncGenerator[str, None]:
    """The parts as lines; the last one says what failed, if something did, as `words_for` does."""
    try:
        async for part in parts:
            yield json.dumps(encode(_named(part)), ensure_ascii=False) + "\n"
    except (AuditError, RegistryError, ProjectionError) as error:
        yield json.dumps({"error": words_for(error, full=full)}) + "\n"


def documented_lines(words: str, *examples: str) -> dict[int | str, dict[str, Any]]:
    """The answer of a route that sends lines, for OpenAPI: a text, as its schemas know no lines."""
    schema = {"type": "string", "description": words, "examples": ["".join(f"{one}\n" for one in examples)]}
    return {200: {"content": {MEDIA_TYPE: {"schema": schema}}}}


def _named(part: Part) -> dict[str, Any]:
    match part:
        case Progress():
            return {"progress": part}
        case Finding():
            return {"finding": part}
        case {"result": result}:
            return {"result": result}
        case Expired():
            return {"item": {"expired": part}}
        case _:
            return {"item": part}
