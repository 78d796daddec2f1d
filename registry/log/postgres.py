"""The event log in PostgreSQL: reads and the pool use SQLAlchemy, and appends go through `append.writer`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db import tables
from registry.db.causes import away, is_not_migrated, place_of
from registry.db.connection import (
    RAW_EPOCH_US,
    TRANSPORT_ERRORS,
    DriverConnection,
    instants_as_raw_us,
)
from registry.db.schema_version import READ_VERSION, refuse_newer
from registry.errors import NotMigrated
from registry.instant import from_us
from registry.log import chain, sql
from registry.log.append.append_hook import AppendHook
from registry.log.append.group_commit import GroupCommit
from registry.log.append.limits import Limits, Refusal, nothing_refused
from registry.log.append.writer import LANES, Writer
from registry.log.event_log import (
    Head,
    RecordedEvent,
    Write,
    WriteMany,
    Written,
    WrittenMany,
)
from registry.log.notifications import CommitNotifier


class PostgresEventLog:
    """See EventLog. Created by `open_log`."""

    def __init__(
        self,
        engine: AsyncEngine,
        log_id: UUID,
        limits: Limits,
        append_hook: AppendHook | None = None,
        refusal: Refusal = nothing_refused,
    ) -> None:
        self._log_id = log_id
        self._observers: list[Callable[[Mapping[str, Any]], None]] = []
        self._writer = Writer(engine, self.genesis_hash, limits, append_hook, refusal, self._committed)
        self._group = GroupCommit(
            self._writer.append,
            max_batch=limits.max_batch,
            max_queue=limits.max_queue,
            max_of_one=max(1, limits.max_queue // 2),
            lanes=LANES,
        )
        self._reader = DriverConnection(engine, prepare=instants_as_raw_us)
        self._notifier = CommitNotifier(engine)

    @property
    def log_id(self) -> UUID:
        """See EventLog."""
        return self._log_id

    @property
    def genesis_hash(self) -> bytes:
        """See EventLog."""
        return chain.genesis_hash(self._log_id)

    async def write(self, write: Write) -> Written:
        """See EventLog."""
        return await self._group.submit(write)

    async def write_many(self, write: WriteMany) -> WrittenMany:
        """See EventLog."""
        return await self._group.submit(write)

    def observe(self, changed: Callable[[Mapping[str, Any]], None]) -> None:
        """See EventLog."""
        self._observers.append(changed)

    async def read(self, after: int, limit: int) -> list[RecordedEvent]:
        """See EventLog."""
        return _recorded(await self._reader.fetch(sql.READ, after, limit))

    async def hashes(self, positions: Sequence[int]) -> dict[int, bytes]:
        """See EventLog."""
        return dict(await self._reader.fetch(sql.HASHES, list(positions)))

    async def read_stream(self, stream: str) -> list[RecordedEvent]:
        """See EventLog."""
        return _recorded(await self._reader.fetch(sql.READ_STREAMS, [stream]))

    async def head(self) -> Head:
        """See EventLog."""
        rows = await self._reader.fetch(sql.HEAD)
        if not rows:
            return Head(0, chain.genesis_hash(self._log_id), None)
        position, hash_, recorded = rows[0]
        return Head(position, hash_, _instant(recorded + RAW_EPOCH_US))

    async def wait_beyond(self, position: int, timeout_s: float) -> None:
        """See EventLog. Does not close the engine, which belongs to the caller."""
        await self._notifier.wait_beyond(position, timeout_s)

    async def close(self) -> None:
        """See EventLog. The engine stays the caller's."""
        await self._group.close()
        await self._notifier.close()
        await self._writer.close()
        await self._reader.close()

    def _committed(self, changed: Mapping[str, Any], position: int) -> None:
        for observer in self._observers:
            observer(changed)
        self._notifier.notify(position)


def _recorded(rows: Sequence[Any]) -> list[RecordedEvent]:
    # Spelt out: a slice or a star would create one more object per event.
    return [
        RecordedEvent(
            position, stream, version, kind, schema_version, recorded + RAW_EPOCH_US, effective + RAW_EPOCH_US, actor,
            on_behalf_of, request_id, reason, payload, salt, digest, hash_,
        )
        for (
            position, stream, version, kind, schema_version, recorded, effective, actor, on_behalf_of, request_id,
            reason, payload, salt, digest, hash_,
        ) in rows
    ]  # fmt: skip


def _instant(us: int) -> datetime:
    """The nearest datetime: a tampered value must not keep auditors from reading the log."""
    try:
        return from_us(us)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if us > 0 else datetime.min.replace(tzinfo=UTC)


async def open_log(
    engine: AsyncEngine,
    limits: Limits | None = None,
    append_hook: AppendHook | None = None,
    refusal: Refusal = nothing_refused,
) -> PostgresEventLog:
    """Open the log in a migrated database; `append_hook` writes with each append.

    `refusal` says before each append why only what stops something may be recorded now, if that is so.

    Raises NotMigrated if there is no log or its chain rule is not ours, SchemaTooNew, or DatabaseAway.
    """
    row = None
    try:
        async with engine.connect() as connection:
            row = (await connection.execute(select(tables.log_identity))).first()
            refuse_newer(await connection.scalars(READ_VERSION))
    except TRANSPORT_ERRORS as error:
        if is_not_migrated(error):
            raise NotMigrated(place_of(engine.url)) from error
        raise away(error, engine.url) from error
    if row is None or row.chain_rule != chain.CHAIN_RULE:
        raise NotMigrated(place_of(engine.url))
    return PostgresEventLog(engine, row.log_id, limits or Limits(), append_hook, refusal)
