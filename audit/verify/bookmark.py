"""Where an interrupted audit goes on, as an opaque text that a caller keeps."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

from audit.errors import BadBookmark
from registry.log.event_log import EventLog

_MAX = 2000


class Bookmark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of the log `log_id` everything up to `position`, whose event has `hash`, was looked at.

    `stream` is the last one whose state was compared: None while the log is being read, and when all is done.
    `found` counts the findings so far.
    """

    log_id: str
    position: int
    hash: str
    stream: str | None
    found: int

    def text(self) -> str:
        """As a caller keeps it."""
        return urlsafe_b64encode(msgspec.json.encode(self)).decode()


async def read_bookmark(text: str, log: EventLog) -> Bookmark:
    """The bookmark, which must be of this log. Raises BadBookmark: what was looked at then is not what is there."""
    try:
        found = msgspec.json.decode(urlsafe_b64decode(text[:_MAX].encode()), type=Bookmark)
    except (ValueError, msgspec.MsgspecError):
        raise BadBookmark from None
    held = {0: log.genesis_hash} if found.position == 0 else await log.hashes([found.position])
    if found.log_id != str(log.log_id) or held.get(found.position, b"").hex() != found.hash:
        raise BadBookmark(
            f"the bookmark is of another log, or the event at position {found.position} is not the one that it was: "
            "verify from the beginning, without it"
        )
    return found
