"""The state of any stream, by its prefix: what is kept current in the append's transaction. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from registry.keys import state as key
from registry.keys import tokens as token
from registry.keys.state import KeyState
from registry.keys.tokens import TokenState
from registry.log import codec
from registry.log.event_log import AnyEvent

StreamState = KeyState | TokenState

_KEY = msgspec.json.Decoder(KeyState).decode
_TOKEN = msgspec.json.Decoder(TokenState).decode
_encode = msgspec.json.Encoder().encode


def evolve(state: StreamState | None, recorded: AnyEvent) -> StreamState | None:
    """The stream's state after an event; None for a stream whose kind keeps none. Raises ValueError as `key.evolve`."""
    stream = recorded.stream
    if stream.startswith("key-") and not isinstance(state, TokenState):
        return key.evolve(state, recorded, codec.decode(recorded))
    if stream.startswith("token-") and not isinstance(state, KeyState):
        return token.evolve(state, recorded, codec.decode(recorded))
    return None


def fold(history: Iterable[AnyEvent]) -> StreamState | None:
    """The state of one stream after all its events."""
    state: StreamState | None = None
    for recorded in history:
        state = evolve(state, recorded)
    return state


def dump(state: StreamState) -> str:
    """The state as the JSON document of its row."""
    return _encode(state).decode()


def load(stream: str, document: str | None) -> StreamState | None:
    """The state from its row's document."""
    if document is None:
        return None
    return _KEY(document) if stream.startswith("key-") else _TOKEN(document)
