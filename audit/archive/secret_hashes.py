"""The hashes of secrets, which are not part of the log. Each is checked against the commitment in its event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.archive import sql
from audit.errors import SecretSwapped
from registry.db.connection import fetch
from registry.keys.events import AdminTokenCreated, Event, credential_issued, key_stream
from registry.log import chain, codec
from registry.log.event_log import EventLog, RecordedEvent

_READ_AT_ONCE: Final = 1000

Kind = Literal["credential", "admin_token"]


class Committed(msgspec.Struct, frozen=True):
    """What an event holds of a secret: its owner (public_id or stream), and the commitment to its hash."""

    kind: Kind
    id: str
    owner: str
    commitment: str


class SecretHash(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of `credentials.ndjson`. Its holder can only test guesses of a secret, which has 285 bits."""

    kind: Kind
    id: str
    secret_hash: str
    public_id: str | UnsetType = UNSET
    stream: str | UnsetType = UNSET

    def __repr__(self) -> str:
        return f"SecretHash({self.kind} {self.id})"


@dataclass(frozen=True, slots=True)
class HashPage:
    """The hashes that the events up to `position` commit to, in the order of the events."""

    position: int
    hashes: Sequence[SecretHash]


def committed(recorded: RecordedEvent, event: Event) -> Committed | None:
    """The secret that an event adds, if any."""
    if issued := credential_issued(event):
        public_id = recorded.stream.removeprefix(key_stream(""))
        return Committed("credential", issued.credential_id, public_id, issued.commitment)
    if isinstance(event, AdminTokenCreated):
        return Committed("admin_token", event.token_id, recorded.stream, event.commitment)
    return None


def secret_hash(of: Committed, hash_: str) -> SecretHash:
    """The line of a secret."""
    if of.kind == "credential":
        return SecretHash(of.kind, of.id, hash_, public_id=of.owner)
    return SecretHash(of.kind, of.id, hash_, stream=of.owner)


def fits(line: SecretHash, of: Committed) -> bool:
    """Whether a line is for the secret that an event added, with the hash that the event commits to."""
    return line == secret_hash(of, line.secret_hash) and chain.commitment(line.secret_hash) == of.commitment


async def read_hashes(log: EventLog, engine: AsyncEngine, after: int, until: int, limit: int) -> HashPage:
    """The hashes that the events after `after` commit to, up to `until` and for at most `limit` events.

    Leaves out secrets without a hash. Raises SecretSwapped for a hash that is not the one committed to,
    UndecodableEvent, Busy.
    """
    wanted: list[Committed] = []
    position, last = after, min(until, after + limit)
    while position < last:
        events = await log.read(position, min(_READ_AT_ONCE, last - position))
        if not events:
            break
        wanted += [one for event in events if (one := committed(event, codec.decode(event))) is not None]
        position = events[-1].position
    return HashPage(position, await _kept(engine, wanted))


async def _kept(engine: AsyncEngine, wanted: Sequence[Committed]) -> list[SecretHash]:
    if not wanted:
        return []
    of_kind: dict[Kind, list[str]] = {"credential": [], "admin_token": []}
    for one in wanted:
        of_kind[one.kind].append(one.id)
    rows = await fetch(engine, sql.SECRET_HASHES, of_kind["credential"], of_kind["admin_token"])
    kept = {(row["kind"], row["id"]): row["secret_hash"] for row in rows}
    found = []
    for one in wanted:
        hash_ = kept.get((one.kind, one.id))
        if hash_ is None:
            continue
        line = secret_hash(one, hash_)
        if not fits(line, one):
            raise SecretSwapped(f"the hash of the secret of {one.id} is not the one that its event commits to")
        found.append(line)
    return found
