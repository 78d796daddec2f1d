"""Where an interrupted audit resumes, as an opaque text that a caller keeps."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import msgspec

from audit.errors import BadBookmark
from registry.errors import FieldFault, FieldsRefused
from registry.log.event_log import EventLog
from registry.log.log_position import LogPosition, is_of

_MAX = 2000


_Whole = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class _Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    log_id: str
    position: _Whole
    hash: str
    stream: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{0,200}$")] | None
    found: _Whole


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Everything up to `at` was checked.

    `stream` is the last one whose state was compared: None while the log is being read, and at the end. `found` counts
    the findings so far.
    """

    at: LogPosition
    stream: str | None
    found: int

    def text(self) -> str:
        """The text that a caller keeps."""
        at = self.at
        written = _Text(str(at.log_id), at.position, at.hash.hex(), self.stream, self.found)
        return urlsafe_b64encode(msgspec.json.encode(written)).decode()


async def read_bookmark(text: str, log: EventLog) -> Bookmark:
    """Parse a bookmark, which must be of this log.

    Raises FieldsRefused if it is none, and BadBookmark if the log no longer has what it covers.
    """
    try:
        read = msgspec.json.decode(urlsafe_b64decode(text[:_MAX].encode()), type=_Text)
        at = LogPosition(UUID(read.log_id), read.position, bytes.fromhex(read.hash))
    except (ValueError, msgspec.MsgspecError):
        raise FieldsRefused(FieldFault("bookmark", "is not one of a progress line: start without it")) from None
    if not await is_of(log, at):
        raise BadBookmark(
            f"the bookmark is of another log, or the event at position {at.position} has changed: "
            "verify from the start, without it"
        )
    return Bookmark(at, read.stream, read.found)
