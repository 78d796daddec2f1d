"""Writes, and what must hold of any log: the words of the contract suite."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest

from registry.instant import cut_ms
from registry.keys.commands import CreateKey, create
from registry.keys.events import Event, IssuedCredential, KeyDescribed, key_stream
from registry.log import chain, codec
from registry.log.event_log import Caller, EventLog, NewEvent, RecordedEvent, StreamView, Write

CALLER = Caller("token-test", "Ada", "request-1", "because")


def noted(text: str, *, times: int = 1) -> list[NewEvent]:
    """Events of a stream that keeps no state."""
    return [NewEvent(KeyDescribed(text)) for _ in range(times)]


def note(stream: str, text: str = "", *, expected_version: int | None = None, times: int = 1) -> Write:
    """A wish to append events to a stream that keeps no state."""

    def decide(_scene: StreamView) -> Sequence[NewEvent]:
        return noted(text, times=times)

    versions = None if expected_version is None else frozenset({expected_version})
    return Write(stream, decide, replace(CALLER, versions=versions))


class Noted(Event, frozen=True):
    """An event that this version does not know: a later one wrote it."""


@contextmanager
def later_version() -> Iterator[Write]:
    """For the block, the log takes events of a later version; a write of one, which nobody here can decode."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "encode", codec.Wire({**codec.CURRENT, Noted: 1}, codec.UPCASTERS).encode)
        yield Write("thing-1", lambda _view: [NewEvent(Noted())], CALLER)


def new_key(public_id: str, **tags: str) -> Write:
    """A wish to make a key."""
    credential = IssuedCredential(public_id, "c" * 64)
    return Write(
        stream=key_stream(public_id),
        decide=lambda view: create(CreateKey(credential, tags), view),
        caller=CALLER,
        secrets={public_id: "f" * 64},
    )


async def read_all(log: EventLog, page: int = 7) -> list[RecordedEvent]:
    """The whole log, page by page."""
    events: list[RecordedEvent] = []
    while more := await log.read(events[-1].position if events else 0, page):
        events += more
    return events


async def tail(log: EventLog, until: int) -> list[RecordedEvent]:
    """Follow the log until a position, as a projector does."""
    events: list[RecordedEvent] = []
    async with asyncio.timeout(60):
        while not events or events[-1].position < until:
            after = events[-1].position if events else 0
            await log.wait_beyond(after, 0.2)
            events += await log.read(after, 500)
    return events


def assert_whole(events: Sequence[RecordedEvent], genesis: bytes) -> None:
    """Positions, versions and instants are in order, without gaps, and the chain holds from its genesis."""
    previous, versions = genesis, dict[str, int]()
    for index, event in enumerate(events):
        assert event.position == index + 1
        assert event.version == versions.get(event.stream, 0) + 1
        versions[event.stream] = event.version
        assert index == 0 or event.recorded_at > events[index - 1].recorded_at
        assert event.effective_at == cut_ms(event.effective_at)
        assert event.payload_digest == chain.payload_digest(event.salt, event.payload)
        assert event.hash == chain.event_hash(previous, event)
        previous = event.hash
