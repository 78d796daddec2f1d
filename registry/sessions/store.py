"""Sessions of the console, and the codes of addresses that log in once. PostgreSQL has their hashes alone."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.auth import OPERATOR, Principal, TokenLookup
from registry.db.connection import execute, fetch
from registry.keys.events import token_stream
from registry.sessions import sql

LASTS: Final = timedelta(hours=12)
CODE_LASTS: Final = timedelta(minutes=10)
_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Session:
    """Who is logged in, until when; `id` is what the cookie holds."""

    id: str = field(repr=False)
    principal: Principal
    ends_at: datetime


class Sessions:
    """Reads and writes of sessions. Every method raises Busy if the database can't answer now."""

    def __init__(self, engine: AsyncEngine, tokens: TokenLookup) -> None:
        self._engine = engine
        self._tokens = tokens

    async def begin(self, principal: Principal) -> str:
        """Begin a session of a caller who has proved who it is; returns its id, which is new each time."""
        made = secrets.token_urlsafe(_BYTES)
        token_id = None if principal.token is None else principal.token.token_id
        await execute(self._engine, sql.BEGIN, _hash(made), token_id, principal.person, LASTS)
        return made

    async def begin_as(self, token_id: str, person: str) -> str | None:
        """Begin the session of a person who may do what a token may; None where that does not work any more."""
        principal = await self._principal(token_id, person)
        return None if principal is None else await self.begin(principal)

    async def find(self, session_id: str) -> Session | None:
        """The session; None where it has ended, or its token does not work any more."""
        rows = await fetch(self._engine, sql.FIND, _hash(session_id))
        if not rows:
            return None
        token_id, person, ends_at = rows[0]
        principal = Principal(OPERATOR) if token_id is None else await self._principal(token_id, person)
        return None if principal is None else Session(session_id, principal, ends_at)

    async def end(self, session_id: str) -> None:
        """End a session at once."""
        await execute(self._engine, sql.END, _hash(session_id))

    async def end_all(self) -> int:
        """End every session at once; returns how many there were."""
        return int((await execute(self._engine, sql.END_ALL)).removeprefix("DELETE "))

    async def offer(self) -> str:
        """A code that logs the operator in, once."""
        code = secrets.token_urlsafe(_BYTES)
        await execute(self._engine, sql.OFFER, _hash(code), CODE_LASTS)
        return code

    async def take(self, code: str) -> str | None:
        """Begin the operator's session by a code; None where it is used or has ended."""
        if await execute(self._engine, sql.TAKE, _hash(code)) != "DELETE 1":
            return None
        return await self.begin(Principal(OPERATOR))

    async def sweep(self) -> None:
        """Delete what has ended."""
        await execute(self._engine, sql.SWEEP)

    async def _principal(self, token_id: str, person: str | None) -> Principal | None:
        found = await self._tokens.token(token_id)
        if found is None or not found[0].works(datetime.now(UTC)):
            return None
        return Principal(token_stream(token_id), found[0], person)


def _hash(text: str) -> bytes:
    return sha256(text.encode()).digest()
