"""How far the call is that a page waits for: by the lines that it answers with, or by what ClickHouse reads for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from starlette.types import Message, Scope

from keyledger.http.middleware.request_note import note_of
from projections.engine.client import ClickHouse
from projections.errors import ProjectionError

_LINES: Final = b"application/x-ndjson"


class _Line(msgspec.Struct):
    progress: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SoFar:
    """So many of so many, of what."""

    done: int
    of: int
    what: str


class Progress:
    """Watches the calls of a page, one after the other."""

    def __init__(self) -> None:
        self._request_id = ""
        self._in_lines = False
        self._last: SoFar | None = None

    def begin(self, scope: Scope) -> None:
        """A call is sent."""
        self._request_id, self._in_lines, self._last = note_of(scope).request_id, False, None

    def watch(self, message: Message) -> None:
        """A part of its answer."""
        if message["type"] == "http.response.start":
            self._in_lines = dict(message["headers"]).get(b"content-type", b"").startswith(_LINES)
        elif self._in_lines:
            for line in message.get("body", b"").splitlines():
                self._read(line)

    async def so_far(self, clickhouse: ClickHouse) -> SoFar | None:
        """How far it is; None where that can't be known."""
        if self._last is not None or self._in_lines or not self._request_id:
            return self._last
        try:
            read = await clickhouse.rows_read(self._request_id)
        except ProjectionError:
            return None
        return None if read is None else SoFar(read.rows, read.of, "rows read")

    def _read(self, line: bytes) -> None:
        try:
            said = msgspec.json.decode(line, type=_Line).progress
            if said is not None:
                self._last = SoFar(int(said["done"]), int(said["total"]), str(said["stage"]))
        except (msgspec.MsgspecError, LookupError, TypeError, ValueError):
            return  # it only shows how far it is
