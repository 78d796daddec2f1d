"""The log as lines of the CloudEvents JSON used on the topic: an export and a consumer's dump have the same format.

Every event is checked against the chain and decoded before its line is written: what is exported can be restored.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final
from uuid import UUID

from registry.errors import ChainBroken
from registry.log import codec
from registry.log.chain_walk import Linked, pages
from registry.log.event_log import EventLog
from registry.log.log_position import position_in
from registry.publish.cloudevent import write_record

CHUNK: Final = 1000
# A page ends with the chunk that reaches this size: event sizes differ greatly.
_PAGE_BYTES: Final = 4 << 20


async def export_lines(log: EventLog, until: int, after: int = 0) -> AsyncGenerator[bytes, None]:
    """The events after `after` up to `until`, in order, in chunks of complete lines.

    Raises ChainBroken, UndecodableEvent (both name the position), Busy. Holds two chunks in memory.
    """
    if after >= until:
        return
    async with aclosing(pages(log, await position_in(log, after), until, CHUNK)) as events:
        async for page in events:
            yield b"".join([_line(log.log_id, linked) for linked in page])


async def export_page(log: EventLog, until: int, after: int, limit: int) -> bytes:
    """Like `export_lines`, but at most `limit` lines and about 4 MB: complete, checked lines."""
    page = bytearray()
    async with aclosing(export_lines(log, min(until, after + limit), after)) as chunks:
        async for chunk in chunks:
            page += chunk
            if len(page) >= _PAGE_BYTES:
                break
    return bytes(page)


def line_of(log_id: UUID, linked: Linked) -> bytes:
    """The line of one event."""
    return write_record(log_id, linked)[1] + b"\n"


def _line(log_id: UUID, linked: Linked) -> bytes:
    codec.decode(linked.event)
    line = line_of(log_id, linked)
    if line.count(b"\n") > 1:
        raise ChainBroken(f"the event at position {linked.event.position} has a payload that is not canonical")
    return line
