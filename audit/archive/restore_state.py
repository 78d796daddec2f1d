"""The current state of a restored log: a fold of what its table holds, stream by stream, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final

from audit.archive import sql
from audit.archive.reader import OnProgress
from audit.errors import BadArchive
from audit.fold import Fold
from registry.instant import to_us
from registry.keys.events import (
    CLOCK_STREAM,
    AdminTokenCreated,
    ClockDivergenceAccepted,
    Event,
    KeyCreated,
    KeyImported,
    key_stream,
    token_stream,
)
from registry.log import codec
from registry.log.append.statement import write_states
from registry.log.event_log import Foldable
from registry.log.stream_state import StreamState
from registry.policy.events import POLICY_STREAM, TagPolicySet
from registry.prices.events import PriceSet, price_stream
from registry.progress import Progress
from registry.usage.events import UsageAnchored, usage_stream

_PAGE: Final = 2000
_STREAMS_AT_ONCE: Final = 1000
# Of events that are of one stream alone.
_ONLY_STREAMS: Final[Mapping[type[Event], str]] = {ClockDivergenceAccepted: CLOCK_STREAM, TagPolicySet: POLICY_STREAM}


async def fold_all(driver: Any, total: int, on_progress: OnProgress) -> None:
    """Write the state of every stream, in the transaction that copied the events. Raises BadArchive."""
    folding, done = _Streams(), 0
    cursor = await driver.cursor(sql.RESTORE_FOLD)
    while rows := await cursor.fetch(_PAGE):
        folding.take([_foldable(row) for row in rows])
        done += len(rows)
        await write_states(driver, folding.ready())
        on_progress(Progress("current state", done, total))
    folding.close()
    await write_states(driver, folding.ready())


class _Streams:
    """Folds events that arrive stream by stream, a limited number of streams at once."""

    def __init__(self) -> None:
        self._fold = Fold()
        self._streams = 0
        self._last: Foldable | None = None
        self._ready: dict[str, StreamState] = {}

    def take(self, events: Iterable[Foldable]) -> None:
        """Fold the next events. Raises BadArchive for an event that is in the wrong place."""
        for stream, run in groupby(events, key=lambda event: event.stream):
            if self._last is None or stream != self._last.stream:
                self._last = None
                self._streams += 1
                if self._streams > _STREAMS_AT_ONCE:
                    self.close()
            try:
                self._fold.take(self._in_order(run))
            except ValueError as error:
                raise BadArchive(f"an event can't be where it is: {error}") from error

    def close(self) -> None:
        """The last stream is complete."""
        self._ready.update(self._fold.states())
        self._fold, self._streams = Fold(), 1

    def ready(self) -> dict[str, StreamState]:
        """Return the complete streams, each only once."""
        ready, self._ready = self._ready, {}
        return ready

    def _in_order(self, run: Iterable[Foldable]) -> Iterator[Foldable]:
        for event in run:
            if self._last is None and not _begins(event):
                raise _bad(event, "it does not begin the stream that it is in")
            if event.version != (1 if self._last is None else self._last.version + 1):
                raise _bad(event, "its version does not follow in its stream")
            self._last = event
            yield event


def _begins(event: Foldable) -> bool:
    decoded = codec.decode(event)
    if only := _ONLY_STREAMS.get(type(decoded)):
        return event.stream == only
    match decoded:
        case KeyCreated(public_id=public_id) | KeyImported(public_id=public_id):
            return event.stream == key_stream(public_id)
        case AdminTokenCreated(token_id=token_id):
            return event.stream == token_stream(token_id)
        case PriceSet(price_id=price_id):
            return event.stream == price_stream(price_id)
        case UsageAnchored():
            return event.stream.startswith(usage_stream(""))
    return False


def _foldable(row: Any) -> Foldable:
    position, stream, version, kind, schema_version, recorded_at, effective_at, reason, payload = row
    times = to_us(recorded_at), to_us(effective_at)
    return Foldable(position, stream, version, kind, schema_version, *times, reason, payload)


def _bad(event: Foldable, why: str) -> BadArchive:
    return BadArchive(f"the event at position {event.position} can't be: {why}")
