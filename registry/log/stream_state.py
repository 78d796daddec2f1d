"""The state of any stream, by its prefix, as the append's transaction keeps it current. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from registry.keys import state as keys
from registry.keys.details import KeyDetails
from registry.keys.events import Event
from registry.keys.state import KeyState
from registry.log import codec
from registry.log.event_log import AnyEvent
from registry.policy import state as policy
from registry.policy.events import POLICY_STREAM
from registry.policy.state import PolicyState
from registry.prices import state as prices
from registry.prices.state import PriceState
from registry.tokens import state as tokens
from registry.tokens.state import TokenState

# That of the tag policy has no row: the last event of its stream says all of it.
StreamState = KeyState | TokenState | PriceState | PolicyState

_KEY = msgspec.json.Decoder(KeyState).decode
_DETAILS = msgspec.json.Decoder(KeyDetails).decode
_TOKEN = msgspec.json.Decoder(TokenState).decode
_PRICE = msgspec.json.Decoder(PriceState).decode
_encode = msgspec.json.Encoder().encode


def evolve(state: StreamState | None, recorded: AnyEvent, event: Event) -> StreamState | None:
    """The stream's state after an event; None for a stream that has no state.

    `event` is the decoded payload of `recorded`. Raises ValueError for an event that can't follow the state.
    """
    stream = recorded.stream
    if stream.startswith("key-") and (state is None or isinstance(state, KeyState)):
        return keys.evolve(state, recorded, event)
    if stream.startswith("token-") and (state is None or isinstance(state, TokenState)):
        return tokens.evolve(state, recorded, event)
    if stream.startswith("price-") and (state is None or isinstance(state, PriceState)):
        return prices.evolve(state, recorded, event)
    return policy.evolve(recorded, event) if stream == POLICY_STREAM else None


def fold(history: Iterable[AnyEvent]) -> StreamState | None:
    """The state of one stream after all its events. Raises UndecodableEvent, ValueError."""
    state: StreamState | None = None
    for recorded in history:
        state = evolve(state, recorded, codec.decode(recorded))
    return state


def dump(state: StreamState) -> str:
    """The state as the JSON document of its row. The members of a key's details are at the top level."""
    document = _encode(state)
    if isinstance(state, KeyState):
        details = _encode(state.details)
        document = document.replace(b'"details":' + details, details[1:-1], 1)
    return document.decode()


def load(stream: str, document: str | None) -> StreamState | None:
    """The state from its row's document."""
    if document is None:
        return None
    if stream.startswith("price-"):
        return _PRICE(document)
    if not stream.startswith("key-"):
        return _TOKEN(document)
    return replace(_KEY(document), details=_DETAILS(document))


def load_key(stream: str, document: str) -> KeyState:
    """The state of a key from its row's document."""
    state = load(stream, document)
    if not isinstance(state, KeyState):
        raise TypeError(f"the row of {stream} holds no key")
    return state
