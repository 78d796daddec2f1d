"""Reads of the current state and of the log. Each is one statement, so that its position and its rows agree."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ARRAY, ColumnElement, Select, Subquery, Text, any_, exists, func, literal, null, select, true
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.connection import ANSWER_S, connected, fetch, translated
from registry.db.tables import (
    admin_token,
    credential,
    event,
    gateway_sync,
    key_state,
    relay_checkpoint,
)
from registry.errors import UnknownKey, UnknownToken
from registry.keys.as_of import PastKey, moment
from registry.keys.events import CLOCK_STREAM, key_stream
from registry.keys.filters import KeyFilters
from registry.keys.state import KeyState, Past
from registry.lists.conditions import conditions
from registry.lists.settling import settle
from registry.log import sql, stream_state
from registry.log.append.clock_watch import Accepted
from registry.log.event_log import COLUMNS, RecordedEvent
from registry.log.log_position import LogPosition
from registry.tokens.state import TokenState

_POSITION = select(func.coalesce(func.max(event.c.position), 0)).scalar_subquery().label("head")
_NOW = func.clock_timestamp().label("now")
_EVENT_COLUMNS = tuple(event.c[name] for name in COLUMNS)
_PAGE: Final = 500
_Item = TypeVar("_Item")

# What a page has of stored documents or payloads, at most; keys and events differ in size by a thousand times.
PAGE_BYTES: Final = 2 << 20


@dataclass(frozen=True, slots=True)
class Seen:
    """The moment of a read: the head of the log, and the database's clock."""

    position: int
    now: datetime


@dataclass(frozen=True, slots=True)
class TopicProgress:
    """How far a topic's relay is, what stops it, and when its first unpublished event was recorded."""

    topic: str
    published: LogPosition
    failure: str | None
    waiting_since: datetime | None


@dataclass(frozen=True, slots=True)
class GatewayProgress:
    """How far the sync of a gateway's key table is, what it waits for or was stopped by, and what it found.

    `waiting_since` is when the first event that has not reached the table was recorded. `without_hash` counts
    credentials that can't be written.
    """

    gateway: str
    synced: LogPosition
    failure: str | None
    drift_repaired: int
    without_hash: int
    index_missing: bool
    reconciled_at: datetime | None
    waiting_since: datetime | None


@dataclass(frozen=True, slots=True)
class Found(Generic[_Item]):
    """A page, whether more follows it, and when it was read."""

    items: list[_Item]
    more: bool
    seen: Seen


@dataclass(frozen=True, slots=True)
class FoundKeys(Found[KeyState]):
    """A page of keys; `total` says how many there are in all, where that was asked for."""

    total: int | None = None


@dataclass(frozen=True, slots=True)
class KnownToken:
    """An admin token, and when it was last used as far as that was written."""

    token: TokenState
    last_used_at: datetime | None


class Queries:
    """What the admin API reads. Every method raises Busy if the database can't answer now."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def seen(self) -> Seen:
        """The head of the log and the clock."""
        row = (await self._rows(select(_POSITION, _NOW)))[0]
        return Seen(row.head, row.now)

    async def public_id(self, any_id: str) -> str | None:
        """The `public_id` of the key that has a credential with this id."""
        rows = await self._rows(select(credential.c.public_id).where(credential.c.credential_id == any_id))
        return rows[0].public_id if rows else None

    async def known(self, ids: Sequence[str]) -> tuple[frozenset[str], datetime]:
        """Which of these credential ids the registry has, and the clock."""
        held = credential.c.credential_id == any_(literal(list(ids), ARRAY(Text)))
        rows = await self._rows(select(func.array_agg(credential.c.credential_id).label("ids"), _NOW).where(held))
        return frozenset(rows[0].ids or ()), rows[0].now

    async def secrets_of(self, hashes: Sequence[str]) -> dict[str, str]:
        """The secrets among these hashes that the registry has, each with its credential's id."""
        held = credential.c.secret_hash == any_(literal(list(hashes), ARRAY(Text)))
        rows = await self._rows(select(credential.c.secret_hash, credential.c.credential_id).where(held))
        return {row.secret_hash: row.credential_id for row in rows}

    async def stream(self, any_id: str) -> str:
        """The stream of the key that has a credential with this id. Raises UnknownKey."""
        public_id = await self.public_id(any_id)
        if public_id is None:
            raise UnknownKey(position=(await self.seen()).position)
        return key_stream(public_id)

    async def key(self, any_id: str) -> tuple[KeyState, Seen]:
        """The current state of a key, by the id of any of its credentials. Raises UnknownKey."""
        joined = key_state.join(credential, credential.c.public_id == key_state.c.public_id)
        rows = await self._rows(
            select(key_state.c.stream, key_state.c.document, _POSITION, _NOW)
            .select_from(joined)
            .where(credential.c.credential_id == any_id)
        )
        if not rows:
            raise UnknownKey(position=(await self.seen()).position)
        return stream_state.load_key(rows[0].stream, rows[0].document), Seen(rows[0].head, rows[0].now)

    async def keys(
        self, wanted: KeyFilters, *, before: int | None = None, limit: int, count: bool = False
    ) -> FoundKeys:
        """Up to `limit` keys created before position `before` that pass the filters, newest first.

        Fewer where they are large: those that PAGE_BYTES hold, and at least one. `count`: also how many pass in all.
        """
        found = await self._keys(wanted, before, limit, count=count)
        while found is None:
            await settle(self._engine)
            found = await self._keys(wanted, before, limit, count=count)
        return found

    async def _keys(self, wanted: KeyFilters, before: int | None, limit: int, *, count: bool) -> FoundKeys | None:
        """The same; None while the tags by which a key is found are not those that it has."""
        now = func.statement_timestamp()  # one instant for all rows: only such a one can be looked up in an index
        passing = conditions(wanted, now)
        place = [] if before is None else [key_state.c.created_position < before]
        found = (
            select(key_state.c.stream, key_state.c.document, key_state.c.created_position)
            .where(*passing, *place)
            .order_by(key_state.c.created_position.desc())
            .limit(limit + 1)
            .subquery()
        )
        page = _fitting(found, func.octet_length(found.c.document), found.c.created_position.desc(), limit)
        total = select(func.count()).select_from(key_state).where(*passing).scalar_subquery() if count else null()
        # The outer join keeps one row for the position if no key matches.
        stale = _stale(now)
        one = select(_POSITION, now.label("now"), total.label("total"), stale.label("stale")).subquery()
        rows = await self._rows(
            select(page.c.stream, page.c.document, page.c.found, one.c.head, one.c.now, one.c.total, one.c.stale)
            .select_from(one.outerjoin(page, true()))
            .order_by(page.c.created_position.desc())
        )
        if rows[0].stale:
            return None
        held = [row for row in rows if row.stream is not None]
        more = bool(held) and held[0].found > len(held)
        keys = [stream_state.load_key(row.stream, row.document) for row in held]
        return FoundKeys(keys, more, Seen(rows[0].head, rows[0].now), rows[0].total)

    async def public_ids(self, wanted: KeyFilters, *, limit: int) -> list[str]:
        """The ids of up to `limit` keys that pass the filters, newest first."""
        now = func.statement_timestamp()
        found = select(key_state.c.public_id).where(*conditions(wanted, now))
        while (await self._rows(select(_stale(now).label("stale"))))[0].stale:
            await settle(self._engine)
        rows = await self._rows(found.order_by(key_state.c.created_position.desc()).limit(limit))
        return [row.public_id for row in rows]

    async def keys_of(self, any_ids: Sequence[str]) -> dict[str, str]:
        """The `public_id` of the key that each of these credential ids belongs to; unknown ones are left out."""
        held = credential.c.credential_id == any_(literal(list(any_ids), ARRAY(Text)))
        rows = await self._rows(select(credential.c.credential_id, credential.c.public_id).where(held))
        return {row.credential_id: row.public_id for row in rows}

    async def history(self, stream: str, *, after_version: int = 0, limit: int) -> Found[RecordedEvent]:
        """Up to `limit` events of a stream after a version, oldest first; fewer where they are large, as of `keys`.

        Raises UnknownKey if the stream has none at all.
        """
        found = (
            select(*_EVENT_COLUMNS)
            .where(event.c.stream == stream, event.c.version > after_version)
            .order_by(event.c.version)
            .limit(limit + 1)
            .subquery()
        )
        page = _fitting(found, func.octet_length(found.c.payload), found.c.version, limit)
        columns = [page.c[name] for name in COLUMNS]
        rows = await self._rows(select(*columns, page.c.found, _POSITION, _NOW).order_by(page.c.version))
        if not rows:
            seen = await self.seen()
            if not await self._rows(select(literal(1)).where(event.c.stream == stream).limit(1)):
                raise UnknownKey(position=seen.position)
            return Found([], more=False, seen=seen)
        events = [RecordedEvent.from_columns(row[: len(columns)]) for row in rows]
        return Found(events, rows[0].found > len(rows), Seen(rows[0].head, rows[0].now))

    async def life(self, stream: str) -> AsyncGenerator[RecordedEvent, None]:
        """All events of a stream, oldest first; a page of them in memory. Raises UnknownKey if it has none."""
        page = await self.history(stream, limit=_PAGE)
        while page.items:
            for recorded in page.items:
                yield recorded
            if not page.more:
                return
            page = await self.history(stream, after_version=page.items[-1].version, limit=_PAGE)

    async def key_as_of(self, any_id: str, at: datetime | None, known_at: int | None) -> PastKey:
        """The key that has a credential with this id, as of a moment. Raises UnknownKey, FieldsRefused."""
        stream, seen = await self.stream(any_id), await self.seen()
        then = moment(seen.position, seen.now, at, known_at)
        past = Past(then.at, then.known_at)
        async with aclosing(self.life(stream)) as events:
            async for recorded in events:
                past.take(recorded)
        state = past.state()
        if state is None:
            raise UnknownKey("the key was not created yet by then", position=seen.position)
        return PastKey(state, then, seen.position)

    async def accepted_clock(self) -> Accepted | None:
        """The last decision of an operator to go on after an event that is dated after the clock."""
        rows = await fetch(self._engine, sql.ACCEPTED_CLOCK, CLOCK_STREAM)
        return Accepted(*rows[0]) if rows else None

    async def token(self, token_id: str) -> tuple[TokenState, str] | None:
        """A token's state and the hash of its secret."""
        rows = await self._rows(
            select(admin_token.c.stream, admin_token.c.document, admin_token.c.secret_hash).where(
                admin_token.c.token_id == token_id
            )
        )
        return (_token(rows[0]), rows[0].secret_hash or "") if rows else None

    async def known_token(self, token_id: str) -> KnownToken:
        """An admin token, also one that has ended. Raises UnknownToken."""
        table = admin_token.c
        found = select(table.stream, table.document, table.last_used_at).where(table.token_id == token_id)
        for row in await self._rows(found):
            return KnownToken(_token(row), row.last_used_at)
        raise UnknownToken

    async def tokens(self) -> list[KnownToken]:
        """All admin tokens, oldest first, so that a new one moves no other."""
        table = admin_token.c
        rows = await self._rows(select(table.stream, table.document, table.last_used_at))
        found = [KnownToken(_token(row), row.last_used_at) for row in rows]
        return sorted(found, key=lambda one: (one.token.created_at, one.token.token_id))

    async def published(self) -> list[TopicProgress]:
        """The topics that the log has been published to."""
        relay, following = relay_checkpoint.c, event.alias()
        rows = await self._rows(
            select(relay.log_id, relay.position, relay.hash, relay.topic, relay.failure, following.c.recorded_at)
            .select_from(relay_checkpoint.outerjoin(following, following.c.position == relay.position + 1))
            .order_by(relay.topic)
        )
        return [TopicProgress(row[3], LogPosition(*row[:3]), *row[4:]) for row in rows]

    async def gateways_synced(self) -> list[GatewayProgress]:
        """The gateways whose table a sync has maintained: so far none or one."""
        sync, following = gateway_sync.c, event.alias()
        rows = await self._rows(
            select(
                sync.log_id,
                sync.position,
                sync.hash,
                sync.gateway,
                sync.failure,
                sync.drift_repaired,
                sync.without_hash,
                sync.index_missing,
                sync.reconciled_at,
                following.c.recorded_at,
            )
            .select_from(gateway_sync.outerjoin(following, following.c.position == sync.position + 1))
            .order_by(sync.gateway)
        )
        return [GatewayProgress(row[3], LogPosition(*row[:3]), *row[4:]) for row in rows]

    async def _rows(self, statement: Select[Any]) -> Sequence[Any]:
        with translated(self._engine):
            # A server that hangs does not answer the pool's question either whether a connection is alive.
            async with asyncio.timeout(ANSWER_S), connected(self._engine) as connection:
                rows: Sequence[Any] = (await connection.execute(statement)).all()
                return rows


def _stale(now: Any) -> ColumnElement[bool]:
    """Whether some key is not found by the tags that it has by now."""
    return exists().where(key_state.c.tags_due_at <= now)


def _fitting(found: Subquery, size: ColumnElement[int], order: ColumnElement[Any], limit: int) -> Subquery:
    """The first rows, up to `limit` and PAGE_BYTES and at least one, each with how many were `found`."""
    before = func.sum(size).over(order_by=order) - size
    place = func.row_number().over(order_by=order)
    count = func.count().over().label("found")
    counted = select(*found.c, count, before.label("before"), place.label("place")).subquery()
    return select(*counted.c).where(counted.c.place <= limit, counted.c.before < PAGE_BYTES).subquery()


def _token(row: Any) -> TokenState:
    state = stream_state.load(row.stream, row.document)
    if not isinstance(state, TokenState):
        raise TypeError(f"the row of {row.stream} holds no token")
    return state
