"""From a command on an admin token to the log."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from registry.keys import secrets as secret
from registry.keys.events import Confinement, token_stream
from registry.keys.secrets import IssuedSecret
from registry.log import chain
from registry.log.event_log import Caller, EventLog, Write, WriteMany, Written, WrittenMany, keeping_of
from registry.tokens import commands
from registry.tokens.commands import CreateToken, RotateToken
from registry.tokens.state import TokenState


@dataclass(frozen=True, slots=True)
class NewToken:
    """What is asked for a new token. Without `expires_at` it works until it is revoked."""

    name: str
    scopes: tuple[str, ...]
    expires_at: datetime | None = None
    confined_to: Confinement | None = None


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """A token after a command, with the log's head and clock then."""

    token: TokenState
    position: int
    now: datetime


@dataclass(frozen=True, slots=True)
class IssuedToken(TokenAnswer):
    """A new token, with its text, which is shown only here."""

    text: str = field(repr=False)


class TokenService:
    """The commands on admin tokens."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def create(self, new: NewToken, caller: Caller, issued: IssuedSecret | None = None) -> IssuedToken:
        """Create a token. Raises FieldsRefused, Busy. Pass `issued` if the secret had to be stored somewhere first."""
        issued = issued or secret.issue_token()
        command = CreateToken(
            issued.id, new.name, new.scopes, chain.commitment(issued.hash), new.expires_at, new.confined_to
        )
        write = Write(
            stream=token_stream(issued.id),
            decide=partial(commands.create, command),
            caller=caller,
            secrets={issued.id: issued.hash},
        )
        answer = partial(_created, issued.text)
        return answer(await self._log.write(replace(write, keeping=keeping_of(caller, answer))))

    async def revoke(self, token_id: str, caller: Caller) -> TokenAnswer:
        """Revoke a token. A repeat returns the same result. Raises UnknownToken, Busy."""
        write = Write(stream=token_stream(token_id), decide=commands.revoke, caller=caller, stops=True)
        return _answer(await self._log.write(replace(write, keeping=keeping_of(caller, _answer))))

    async def rotate(self, token_id: str, overlap: timedelta, caller: Caller) -> IssuedToken:
        """Give a token a successor with the same rights, and return that. The old one works for `overlap`.

        Raises UnknownToken, Conflict, Busy.
        """
        issued = secret.issue_token()
        command = RotateToken(issued.id, chain.commitment(issued.hash), overlap)
        stream = token_stream(issued.id)
        write = WriteMany(
            streams=(token_stream(token_id), stream),
            decide=partial(commands.rotate, command),
            caller=caller,
            secrets={issued.id: (stream, issued.hash)},
        )
        answer = partial(_successor, issued.text)
        return answer(await self._log.write_many(replace(write, keeping=keeping_of(caller, answer))))


def _answer(written: Written) -> TokenAnswer:
    return TokenAnswer(_token(written.state), written.position, written.now)


def _created(text: str, written: Written) -> IssuedToken:
    return IssuedToken(_token(written.state), written.position, written.now, text)


def _successor(text: str, written: WrittenMany) -> IssuedToken:
    _, new = written.changes
    return IssuedToken(_token(new.after), written.position, written.now, text)


def _token(state: Any) -> TokenState:
    if not isinstance(state, TokenState):
        raise TypeError("the stream of a token holds no token")
    return state
