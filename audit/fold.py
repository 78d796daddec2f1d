"""The states of many streams from many events, in the order of the log. Pure.

States and errors are those that `stream_state.evolve` gives event by event. It makes a new state each time; here the
registers of a key are written in place, and its state is made at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from registry.keys import state as key
from registry.keys.events import Event, TagsChanged
from registry.keys.state import KeyState, Register
from registry.keys.tokens import TokenState
from registry.log import codec, stream_state
from registry.log.event_log import AnyEvent
from registry.log.stream_state import StreamState


class _Key(msgspec.Struct, gc=False):
    """A key on its way: `state` but for its registers, which are ours alone, and for the place of the last event."""

    state: KeyState
    registers: dict[str, Register]
    position: int
    version: int

    def now(self) -> KeyState:
        """The key after the last event."""
        return replace(self.state, registers=self.registers.copy(), position=self.position, version=self.version)


class Fold:
    """Takes events in the order of their positions, any streams together. In memory are the states of all of them."""

    def __init__(self) -> None:
        self._keys: dict[str, _Key] = {}
        self._tokens: dict[str, TokenState] = {}

    def take(self, events: Iterable[AnyEvent]) -> None:
        """Fold the next events in.

        Raises ValueError for one that can't follow in its stream, and UndecodableEvent: the log is wrong then. Those
        before it are in, and the fold can be read, but not gone on with.
        """
        keys, decode, write = self._keys, codec.decode, key.write_registers
        for recorded in events:
            held = keys.get(recorded.stream)
            event, position = decode(recorded), recorded.position
            if held is None:
                self._begin(recorded, event)
                continue
            if isinstance(event, TagsChanged) and position > held.position:
                write(held.registers, recorded, event)
            else:
                held.state = key.evolve(held.now(), recorded, event)
            held.position, held.version = position, recorded.version

    def states(self) -> Iterator[tuple[str, StreamState]]:
        """Each stream with its state; streams of a kind that keeps none are left out."""
        for stream, held in self._keys.items():
            yield stream, held.now()
        yield from self._tokens.items()

    def _begin(self, recorded: AnyEvent, event: Event) -> None:
        """The first event of a key, or any of another stream."""
        stream = recorded.stream
        state = stream_state.evolve(self._tokens.get(stream), recorded, event)
        if isinstance(state, KeyState):
            self._keys[stream] = _Key(state, state.registers, state.position, state.version)
        elif state is not None:
            self._tokens[stream] = state
