"""Calls on admin tokens. They need the scope admin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET, UnsetType

from keyledger.client.call import Call, Instant, Page, body_of, path_of, query_of
from keyledger.client.model.tokens import NewToken, Token

_PATH: Final = "/admin/tokens"


def create_token(
    name: str,
    scopes: Sequence[str],
    *,
    expires_at: Instant | UnsetType = UNSET,
    confined_to: Mapping[str, Any] | UnsetType = UNSET,
) -> Call[NewToken]:
    """Make an admin token. Its answer alone shows the text. `confined_to` has `tags`, `organization`, `workspace`."""
    body = body_of(name=name, scopes=list(scopes), expires_at=expires_at, confined_to=confined_to)
    return Call("POST", _PATH, NewToken, body=body, changes=True)


def list_tokens(*, limit: int | None = None) -> Call[Page[Token]]:
    """List admin tokens, oldest first."""
    return Call("GET", _PATH, Page[Token], query_of(limit=limit))


def show_token(token_id: str) -> Call[Token]:
    """Show an admin token, also one that has ended."""
    return Call("GET", f"{_PATH}{path_of(token_id)}", Token)


def rotate_token(token_id: str, *, overlap_s: int) -> Call[NewToken]:
    """Make a token with the same rights in place of one, which works for some seconds longer."""
    return Call("POST", f"{_PATH}{path_of(token_id)}/rotate", NewToken, body={"overlap_s": overlap_s}, changes=True)


def revoke_token(token_id: str, *, reason: str | None = None) -> Call[Token]:
    """Revoke an admin token at once."""
    return Call("DELETE", f"{_PATH}{path_of(token_id)}", Token, query_of(reason=reason), changes=True)
