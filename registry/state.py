"""Saves the current state of keys, credentials and admin tokens in the append's own transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from registry import inline, sql
from registry.inline import StreamState
from registry.key import KeyState
from registry.token import TokenState

Rows = list[tuple[Any, ...]]


async def save(connection: Any, changed: Mapping[str, StreamState], secrets: Mapping[str, tuple[str, str]]) -> None:
    """Write what a batch changed: `changed` by stream, `secrets` by id as (stream, hash). Inside a transaction."""
    keys: Rows = []
    tokens: Rows = []
    credentials: Rows = []
    for stream, state in changed.items():
        if isinstance(state, KeyState):
            keys.append(_key_row(stream, state))
            credentials += [
                (one.credential_id, state.public_id, secrets[one.credential_id][1])
                for one in state.credentials
                if one.credential_id in secrets
            ]
        else:
            tokens.append(_token_row(stream, state, secrets))
    for statement, rows in (
        (sql.SAVE_KEY_STATE, keys),
        (sql.SAVE_CREDENTIAL, credentials),
        (sql.SAVE_ADMIN_TOKEN, tokens),
    ):
        if rows:
            await connection.execute(statement, *map(list, zip(*rows, strict=True)))


def _key_row(stream: str, state: KeyState) -> tuple[Any, ...]:
    tags = msgspec.json.encode(state.tags).decode()
    return (
        stream,
        state.public_id,
        state.created_position,
        tags,
        state.expiration,
        state.revoked_at,
        inline.dump(state),
    )


def _token_row(stream: str, state: TokenState, secrets: Mapping[str, tuple[str, str]]) -> tuple[Any, ...]:
    secret_hash = secrets[state.token_id][1] if state.token_id in secrets else None
    return stream, state.token_id, secret_hash, inline.dump(state)
