"""The states of many streams from many events, in the order of the log. Pure.

States and errors are the same as those of `stream_state.evolve`, event by event. But `evolve` creates a new state each
time; here a key's registers are changed in place, and its state is created at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from registry.keys import state as key
from registry.keys.events import Event, TagsChanged
from registry.keys.state import KeyState, Register
from registry.log import codec, stream_state
from registry.log.event_log import AnyEvent
from registry.log.stream_state import StreamState


class _Key(msgspec.Struct, gc=False):
    """A key in progress: `state` without its registers, which this object owns, and the position of the last event."""

    state: KeyState
    registers: dict[str, Register]
    position: int
    version: int

    def takes_at_once(self, recorded: AnyEvent) -> bool:
        """Whether a change of tags goes straight into the registers: no schedule has a part in it."""
        return not self.state.scheduled and not key.is_scheduled(recorded)

    def now(self) -> KeyState:
        """The key after the last event."""
        return replace(self.state, registers=self.registers.copy(), position=self.position, version=self.version)


class Fold:
    """Folds events in the order of their positions, of any mix of streams. Holds all their states in memory."""

    def __init__(self) -> None:
        self._keys: dict[str, _Key] = {}
        self._others: dict[str, StreamState] = {}

    def take(self, events: Iterable[AnyEvent]) -> None:
        """Fold the next events.

        Raises ValueError for an event that can't follow in its stream, and UndecodableEvent: then the log is wrong. The
        events before it are folded and can be read, but folding can't continue.
        """
        keys, decode, write = self._keys, codec.decode, key.write_registers
        for recorded in events:
            held = keys.get(recorded.stream)
            event, position = decode(recorded), recorded.position
            if held is None:
                self._begin(recorded, event)
                continue
            if isinstance(event, TagsChanged) and position > held.position and held.takes_at_once(recorded):
                write(held.registers, recorded, event)
            else:
                held.state = key.evolve(held.now(), recorded, event)
                held.registers = held.state.registers
            held.position, held.version = position, recorded.version

    def states(self) -> Iterator[tuple[str, StreamState]]:
        """Each stream with its state; streams without a state are left out."""
        for stream, held in self._keys.items():
            yield stream, held.now()
        yield from self._others.items()

    def _begin(self, recorded: AnyEvent, event: Event) -> None:
        """The first event of a key, or any event of another stream."""
        stream = recorded.stream
        state = stream_state.evolve(self._others.get(stream), recorded, event)
        if isinstance(state, KeyState):
            self._keys[stream] = _Key(state, state.registers, state.position, state.version)
        elif state is not None:
            self._others[stream] = state
