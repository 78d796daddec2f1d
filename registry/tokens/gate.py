"""Lets callers in by their admin tokens, notes their last use, and keeps out who tries many."""

from __future__ import annotations

from registry.auth import Principal, TokenLookup, authenticate, bearer_of
from registry.errors import Unauthenticated
from registry.keys.secrets import split_token
from registry.tokens.attempts import Attempts
from registry.tokens.last_use import LastUse


class TokenGate:
    """One for a process: it belongs to one event loop."""

    def __init__(self, tokens: TokenLookup, last_use: LastUse, attempts: Attempts) -> None:
        self._tokens = tokens
        self._attempts = attempts
        self.last_use = last_use

    async def caller(self, authorization: str | None, address: str) -> Principal:
        """The caller behind an Authorization header, from an address. Raises Unauthenticated, TooManyAttempts."""
        parts = split_token(bearer_of(authorization))
        if parts is None:  # it costs nothing to say so
            raise Unauthenticated
        given_hash = parts[1]
        self._attempts.check(address, given_hash)
        try:
            principal = await authenticate(authorization, self._tokens)
        except Unauthenticated:
            self._attempts.bad(address, given_hash)
            raise
        self._attempts.good(given_hash)
        if principal.token is not None:
            self.last_use.note(principal.token.token_id)
        return principal
