"""The current state of a restored log: a fold of what its table holds, stream by stream, in bounded memory."""

from __future__ import annotations

from typing import Any, Final

from audit import sql
from audit.archive_reader import Tell
from audit.errors import BadArchive
from audit.report import Progress
from registry import inline, state
from registry import sql as log_sql
from registry.cloudevent import subject_of
from registry.event_log import COLUMNS, RecordedEvent
from registry.inline import StreamState
from registry.key import KeyState

_PREFETCH: Final = 2000
_STREAMS_AT_ONCE: Final = 1000


async def fold_all(driver: Any, total: int, tell: Tell) -> None:
    """Write the state of every stream, in the transaction that copied the events. Raises BadArchive."""
    folding, done = _Fold(), 0
    async for row in driver.cursor(sql.RESTORE_FOLD, prefetch=_PREFETCH):
        folding.take(RecordedEvent.from_columns(row))
        done += 1
        if len(folding.ready) >= _STREAMS_AT_ONCE:
            await _save(driver, folding.drain())
        if done % _PREFETCH == 0:
            tell(Progress("current state", done, total))
    folding.close()
    await _save(driver, folding.drain())
    tell(Progress("current state", done, total))


class _Fold:
    """Folds events that come stream by stream; `ready` has the states of the streams that are done."""

    def __init__(self) -> None:
        self.ready: dict[str, StreamState] = {}
        self._stream = ""
        self._version = 0
        self._state: StreamState | None = None

    def take(self, event: RecordedEvent) -> None:
        if event.stream != self._stream:
            self.close()
            self._stream, self._version, self._state = event.stream, 0, None
        self._version += 1
        try:
            self._state = inline.evolve(self._state, event)
        except ValueError as error:
            raise _bad(event, str(error)) from error
        if event.version != self._version:
            raise _bad(event, "its version does not follow in its stream")
        if self._state is None or _id(self._state) != subject_of(event.stream):
            raise _bad(event, "it is in a stream that is not its own")

    def close(self) -> None:
        """The stream is done."""
        if self._state is not None:
            self.ready[self._stream] = self._state

    def drain(self) -> dict[str, StreamState]:
        """Those that are done, once."""
        ready, self.ready = self.ready, {}
        return ready


async def _save(driver: Any, states: dict[str, StreamState]) -> None:
    if not states:
        return
    nothing: list[list[Any]] = [[] for _ in COLUMNS]
    # The append's own statement, without events; rows of secrets are there already and keep their hash.
    await driver.fetch(log_sql.APPEND, *nothing, *state.columns(states, {}))


def _id(of: StreamState) -> str:
    return of.public_id if isinstance(of, KeyState) else of.token_id


def _bad(event: RecordedEvent, why: str) -> BadArchive:
    return BadArchive(f"the event at position {event.position} can't be: {why}")
