"""Streams of one key, written without a log: made at noon, its tags edited later."""

from __future__ import annotations

from datetime import timedelta

from registry.keys.commands import CreateKey, EditKey, create, edit
from registry.keys.details import KeyDetails
from registry.keys.events import IssuedCredential
from tests.support.records import NOON, Stream

CREDENTIAL = IssuedCredential("k3yPubl1cId0", "c" * 64)
HOUR = timedelta(hours=1)


def key(life: timedelta | None = None, **tags: str) -> Stream:
    """A key made at noon."""
    stream = Stream()
    command = CreateKey(CREDENTIAL, tags, KeyDetails("the portal"), None if life is None else NOON + life)
    stream.append(create(command, stream.view(NOON)), NOON)
    return stream


def patch(stream: Stream, after: timedelta, since: timedelta | None = None, **tags: str | None) -> None:
    """Tags, edited some time after noon, from then on or since another instant."""
    at = None if since is None else NOON + since
    command = EditKey(tags=tags, effective_at=at, reason="ticket 4711", may_backdate=True)
    stream.append(edit(command, stream.view(NOON + after)), NOON + after)
