"""Long answers as NDJSON: one object a line, with one member that says what it is, so that a caller can show progress.

`progress`, `finding`, `item` as often as they come; at the end one `result`, or one `error`. Without either the answer
was cut off.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from fastapi.responses import StreamingResponse

from audit.errors import AuditError
from audit.report import Finding
from keyledger.http.problem import POSITION_HEADER
from projections.errors import ProjectionError
from registry.errors import RegistryError
from registry.progress import Progress

MEDIA_TYPE = "application/x-ndjson"

Part = Progress | Finding | dict[str, Any]


def stream(parts: AsyncIterator[Part], position: int) -> StreamingResponse:
    """The answer that tells parts as they come; a dict is an item, and the last one, under `result`, the result.

    What fails on the way is told as the last line: the status was sent long before.
    """
    headers = {POSITION_HEADER: str(position), "Cache-Control": "no-store"}
    return StreamingResponse(_lines(parts), media_type=MEDIA_TYPE, headers=headers)


async def _lines(parts: AsyncIterator[Part]) -> AsyncIterator[str]:
    try:
        async for part in parts:
            yield _line(part)
    except (AuditError, RegistryError, ProjectionError) as error:
        yield json.dumps({"error": str(error)}) + "\n"


def _line(part: Part) -> str:
    match part:
        case Progress():
            told: dict[str, Any] = {"progress": asdict(part)}
        case Finding():
            told = {"finding": asdict(part)}
        case {"result": _}:
            told = part
        case _:
            told = {"item": part}
    return json.dumps(told, ensure_ascii=False) + "\n"
