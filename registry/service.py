"""From a command to the log: resolve the key, decide under the lock, append, return the state after it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from registry.errors import UnknownKey
from registry.keys import commands, imports, lifecycle, scheduling
from registry.keys import secrets as secret
from registry.keys.commands import CreateKey, EditKey, HistoryNeeded, RevokeKey
from registry.keys.details import KeyDetails
from registry.keys.events import Confinement, IssuedCredential, key_stream
from registry.keys.imports import ImportKey
from registry.keys.lifecycle import RevokeCredential, RotateKey
from registry.keys.scheduling import CancelScheduled
from registry.keys.secrets import IssuedSecret
from registry.keys.state import KeyState
from registry.log import chain
from registry.log.event_log import Caller, EventLog, NewEvent, StreamView, Write, Written, keeping_of
from registry.tokens.confinement import edit_within, require, require_new
from registry.what_if import WouldBe, what_if

Decide = Callable[[StreamView], Sequence[NewEvent]]
Resolve = Callable[[str], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class KeyAnswer:
    """A key after a command, with the log's head and clock then. `api_key` is a new secret, shown only here."""

    key: KeyState
    position: int
    now: datetime
    api_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NewKey:
    """What the portal specifies for a new key."""

    tags: Mapping[str, str] = field(default_factory=dict)
    details: KeyDetails = field(default_factory=KeyDetails)
    expiration: datetime | None = None


class KeyService:
    """The commands on keys. `resolve` maps the id of any credential to its key's `public_id`."""

    def __init__(self, log: EventLog, resolve: Resolve) -> None:
        self._log = log
        self._resolve = resolve

    async def create(self, new: NewKey, caller: Caller) -> KeyAnswer:
        """Create a key. Raises FieldsRefused, Forbidden for a caller who is confined elsewhere, Busy."""
        require_new(caller.confined_to, new.tags, new.details)
        issued = secret.issue_key()
        write = Write(
            stream=key_stream(issued.id),
            decide=partial(commands.create, creation(new, issued)),
            caller=caller,
            secrets={issued.id: issued.hash},
            policed=True,
            new=True,
        )
        return await self._answered(write, issued.text)

    async def take_over(self, command: ImportKey, secret_hash: str, caller: Caller) -> bool:
        """Import a key from a gateway. Returns False if the log already has it. Raises FieldsRefused, Busy.

        The credential of `command` commits to `secret_hash`, which is all that is known about its secret.
        """
        public_id = command.credential.credential_id
        write = Write(
            stream=key_stream(public_id),
            decide=partial(imports.import_key, command),
            caller=caller,
            secrets={public_id: secret_hash},
        )
        return bool((await self._log.write(write)).events)

    async def edit(self, any_id: str, command: EditKey, caller: Caller) -> KeyAnswer:
        """Apply a merge patch. Raises UnknownKey, Conflict, Forbidden, FieldsRefused, Busy."""
        return await self._with_history(any_id, partial(edit_within, caller.confined_to, command), caller)

    async def cancel_scheduled(self, any_id: str, position: int, caller: Caller) -> KeyAnswer:
        """Cancel the scheduled change at a position. A repeat returns the same result.

        Raises UnknownKey, UnknownChange, Conflict once it is in effect, FieldsRefused, Busy.
        """
        return await self._with_history(any_id, partial(scheduling.cancel, CancelScheduled(position)), caller)

    async def edit_what_if(self, any_id: str, command: EditKey, caller: Caller) -> WouldBe:
        """What `edit` would append. Nothing is appended. Raises what `edit` raises."""
        stream, decide = await self._stream(any_id), partial(commands.edit, command)
        write = Write(stream, partial(_within, caller.confined_to, decide), caller, policed=True)
        return await what_if(self._log, write)

    async def revoke(self, any_id: str, caller: Caller) -> KeyAnswer:
        """Revoke a key. A repeat returns the same result. Raises UnknownKey, Busy."""
        return await self._decided(any_id, partial(commands.revoke, RevokeKey()), caller, stops=True)

    async def suspend(self, any_id: str, caller: Caller) -> KeyAnswer:
        """Suspend a key until it is resumed. A repeat returns the same result. Raises UnknownKey, Conflict, Busy."""
        return await self._decided(any_id, lifecycle.suspend, caller, stops=True)

    async def resume(self, any_id: str, caller: Caller) -> KeyAnswer:
        """Let a suspended key work again. A repeat returns the same result. Raises UnknownKey, Conflict, Busy."""
        return await self._decided(any_id, lifecycle.resume, caller)

    async def rotate(self, any_id: str, overlap: timedelta | None, caller: Caller) -> KeyAnswer:
        """Give a key a new secret; see RotateKey. Raises UnknownKey, Conflict, Busy."""
        issued = secret.issue_key()
        command = RotateKey(_credential(issued), overlap)
        return await self._decided(any_id, partial(lifecycle.rotate, command), caller, issued)

    async def revoke_credential(self, any_id: str, credential_id: str, caller: Caller) -> KeyAnswer:
        """Revoke one credential of a key. A repeat returns the same result. Raises UnknownKey, Conflict, Busy."""
        decide = partial(lifecycle.revoke_credential, RevokeCredential(credential_id))
        return await self._decided(any_id, decide, caller, stops=True)

    async def _decided(
        self,
        any_id: str,
        decide: Decide,
        caller: Caller,
        issued: IssuedSecret | None = None,
        *,
        stops: bool = False,
    ) -> KeyAnswer:
        stream, secrets = await self._stream(any_id), {issued.id: issued.hash} if issued else {}
        within = partial(_within, caller.confined_to, decide)
        write = Write(stream=stream, decide=within, caller=caller, stops=stops, secrets=secrets)
        return await self._answered(write, issued.text if issued else None)

    async def _with_history(self, any_id: str, decide: Decide, caller: Caller) -> KeyAnswer:
        """Decide, and read the key's history only where the decision needs it, which is rare."""
        within = partial(_within, caller.confined_to, decide)
        write = Write(stream=await self._stream(any_id), decide=within, caller=caller, policed=True)
        try:
            return await self._answered(write)
        except HistoryNeeded:
            return await self._answered(replace(write, whole_stream=True))

    async def _answered(self, write: Write, api_key: str | None = None) -> KeyAnswer:
        """Write, with what is kept for a repeat; `api_key` is the new secret, if there is one."""
        answer = partial(_answer, api_key=api_key)
        return answer(await self._log.write(replace(write, keeping=keeping_of(write.caller, answer))))

    async def _stream(self, any_id: str) -> str:
        public_id = await self._resolve(any_id)
        if public_id is None:
            raise UnknownKey(position=(await self._log.head()).position)
        return key_stream(public_id)


def _within(confined_to: Confinement | None, decide: Decide, view: StreamView) -> Sequence[NewEvent]:
    """Decide on a key that is within the caller's confinement. Raises UnknownKey for another."""
    require(confined_to, view.state, view.now)
    return decide(view)


def _answer(written: Written, api_key: str | None = None) -> KeyAnswer:
    return KeyAnswer(key_of(written.state), written.position, written.now, api_key)


def creation(new: NewKey, issued: IssuedSecret) -> CreateKey:
    """The command that makes a key with a new secret."""
    return CreateKey(_credential(issued), new.tags, new.details, new.expiration)


def key_of(state: Any) -> KeyState:
    """The state of a key's stream."""
    if not isinstance(state, KeyState):
        raise TypeError("the stream of a key holds no key")
    return state


def _credential(issued: IssuedSecret) -> IssuedCredential:
    return IssuedCredential(issued.id, chain.commitment(issued.hash))
