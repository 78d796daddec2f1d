"""The current state of keys, credentials, admin tokens and prices as rows, saved in the append's own statement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from registry.keys.search import search_text
from registry.keys.state import KeyState
from registry.log import stream_state
from registry.log.stream_state import StreamState
from registry.prices.state import PriceState
from registry.tokens.state import TokenState

# Before any scheduled change of a state is in effect: the tags are those of its last event.
_LAST_EVENT = datetime.min.replace(tzinfo=UTC)


def rows_of(
    changed: Mapping[str, StreamState], secrets: Mapping[str, tuple[str, str]]
) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of each table, in the order of the arrays that `sql/rows/<table>.sql` takes.

    `changed` is by stream; `secrets` is by id, each a (stream, hash).
    """
    rows: dict[str, list[tuple[Any, ...]]] = {"key_state": [], "credential": [], "admin_token": [], "price_state": []}
    for stream, state in changed.items():
        if isinstance(state, KeyState):
            rows["key_state"].append(_key_row(stream, state))
            rows["credential"] += [
                (one.credential_id, state.public_id, secrets[one.credential_id][1])
                for one in state.credentials
                if one.credential_id in secrets
            ]
        elif isinstance(state, PriceState):
            rows["price_state"].append(_price_row(stream, state))
        elif isinstance(state, TokenState):
            rows["admin_token"].append(_token_row(stream, state, secrets))
    return rows


def _key_row(stream: str, state: KeyState) -> tuple[Any, ...]:
    document = stream_state.dump(state)
    ends = (state.expiration, state.suspended_at, state.revoked_at)
    details = (state.details.organization, state.details.workspace, state.created_at)
    tags, search, due_at = found_by(state, _LAST_EVENT)
    return (stream, state.public_id, state.created_position, tags, *ends, document, *details, search, due_at)


def found_by(state: KeyState, at: datetime) -> tuple[str, str, datetime | None]:
    """The columns by which lists find a key as of a time: its tags, the text for searches, and when they change."""
    tags, pending = msgspec.json.encode(state.tags(at)).decode(), state.pending(at)
    return tags, search_text(state, at), pending[0].effective_at if pending else None


def _token_row(stream: str, state: TokenState, secrets: Mapping[str, tuple[str, str]]) -> tuple[Any, ...]:
    secret_hash = secrets[state.token_id][1] if state.token_id in secrets else None
    return stream, state.token_id, secret_hash, stream_state.dump(state)


def _price_row(stream: str, state: PriceState) -> tuple[Any, ...]:
    return stream, state.price_id, *state.place, state.created_position, stream_state.dump(state)
