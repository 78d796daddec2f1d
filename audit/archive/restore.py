"""Restores an archive into an empty registry, in one transaction: afterwards it is complete or not there at all.

1 lock        the append lock and the log's identity: nobody opens or writes the log meanwhile
2 events      each line checked (`reader`), then copied, with a row for each secret
3 state       a fold of what is now in the table, stream by stream
4 commit      then the head is read again, and must be the manifest's

Memory use does not depend on the length of the log or the number of keys.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
from msgspec.structs import astuple
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.archive import sql
from audit.archive.reader import Archive, ArchiveChunk, OnProgress
from audit.archive.restore_state import fold_all
from audit.errors import BadArchive, NotEmpty, NotOwner, RegistryInUse
from registry.db import tables
from registry.db.connection import driver_of, instants_as_us, translated
from registry.errors import ChainBroken, LogBroken
from registry.log.append.writer import APPEND_LOCK
from registry.log.event_log import COLUMNS
from registry.log.postgres import open_log
from registry.progress import Progress

_LOCK_TIMEOUT_S: Final = 30
# A process that was just stopped stays on the server's list for a moment.
_LEAVING_S: Final = 2.0
_NOT_MIGRATED: Final = "the database does not have this version's tables: run `keyledger migrate` first"
_NOT_OWNER: Final = "only the owner of the tables can restore a log: set KEYLEDGER_MIGRATION_DATABASE_URL"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored. A key or admin token without the hash of its secret is complete, but can't log in."""

    log_id: str
    position: int
    hash: str
    keys: int
    keys_without_secret: int
    tokens: int
    tokens_without_secret: int


async def restore(owner: AsyncEngine, archive: Archive, on_progress: OnProgress = lambda _: None) -> Restored:
    """Restore the archive with `owner`, a pool of the tables' owner on a migrated, empty database.

    After a failure or a kill the registry is as empty as before. Raises BadArchive, NotEmpty, RegistryInUse, NotOwner,
    LogBroken if the database is not migrated, and Busy.
    """
    try:
        with translated(owner):
            async with _alone(owner) as driver, driver.transaction():
                counts = await _restore_into(driver, archive, on_progress)
    except (asyncpg.UndefinedTableError, asyncpg.NotNullViolationError) as error:
        raise LogBroken(_NOT_MIGRATED) from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise NotOwner(_NOT_OWNER) from error
    except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
        # The server's message may quote what it refuses.
        raise BadArchive(f"its events can't be those of one log ({type(error).__name__})") from error
    await _prove(owner, archive)
    head = archive.manifest.head
    return Restored(log_id=archive.manifest.log_id, position=head.position, hash=head.hash, **counts)


async def _restore_into(driver: Any, archive: Archive, on_progress: OnProgress) -> dict[str, int]:
    await _take_log(driver, archive.manifest.log_id)
    await _copy_all(driver, archive, on_progress)
    await driver.reset_type_codec("timestamptz", schema="pg_catalog")
    await fold_all(driver, archive.manifest.count, on_progress)
    await driver.execute(sql.RESTORE_END)
    return dict(await driver.fetchrow(sql.RESTORE_COUNTS))


@asynccontextmanager
async def _alone(owner: AsyncEngine) -> AsyncIterator[Any]:
    """A connection of the driver that nobody reuses afterwards, because we change its codecs."""
    async with owner.connect() as connection:
        driver = await driver_of(connection)
        try:
            await instants_as_us(driver)
            yield driver
        finally:
            await connection.invalidate()


async def _take_log(driver: Any, log_id: str) -> None:
    """Lock the empty log and give it the archive's identity. Raises NotEmpty, RegistryInUse."""
    await driver.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_S}s'; SELECT pg_advisory_xact_lock({APPEND_LOCK})")
    if await driver.fetchval(sql.RESTORE_FOUND):
        raise NotEmpty
    await driver.execute(sql.RESTORE_BEGIN)
    await _wait_until_alone(driver)
    await driver.execute(sql.RESTORE_IDENTITY, UUID(log_id))
    await driver.execute(sql.RESTORE_CHECKPOINTS)


async def _wait_until_alone(driver: Any) -> None:
    # A process that had the log open before we locked it would continue under its old id.
    loop = asyncio.get_running_loop()
    until = loop.time() + _LEAVING_S
    while await driver.fetchval(sql.RESTORE_OTHERS):
        if loop.time() > until:
            raise RegistryInUse
        await asyncio.sleep(0.05)
        await driver.execute("SELECT pg_stat_clear_snapshot()")  # else it keeps its first copy of the list


async def _copy_all(driver: Any, archive: Archive, on_progress: OnProgress) -> None:
    done, total = 0, archive.manifest.count
    async with aclosing(_ahead(archive)) as batches:
        async for batch in batches:
            await _copy(driver, batch)
            done += len(batch.events)
            on_progress(Progress("events", done, total))


async def _ahead(archive: Archive) -> AsyncGenerator[ArchiveChunk]:
    """The batches; the next one is read and checked while the server handles the current one."""
    batches = archive.batches()
    reading = asyncio.create_task(asyncio.to_thread(next, batches, None))
    try:
        while (batch := await asyncio.shield(reading)) is not None:
            reading = asyncio.create_task(asyncio.to_thread(next, batches, None))
            yield batch
    finally:
        # A thread can't be cancelled: let it finish its batch, then close the files.
        await asyncio.gather(reading, return_exceptions=True)
        batches.close()


async def _copy(driver: Any, batch: ArchiveChunk) -> None:
    credentials, tokens = [], []
    for secret in batch.secrets:
        if secret.of.kind == "credential":
            credentials.append((secret.of.id, secret.of.owner, secret.hash))
        else:
            tokens.append((secret.of.owner, secret.of.id, secret.hash, ""))  # the fold adds the document
    for table, columns, records in (
        (tables.event, COLUMNS, [astuple(event) for event in batch.events]),
        (tables.credential, ("credential_id", "public_id", "secret_hash"), credentials),
        (tables.admin_token, ("stream", "token_id", "secret_hash", "document"), tokens),
    ):
        if records:
            await driver.copy_records_to_table(table.name, schema_name=tables.SCHEMA, columns=columns, records=records)


async def _prove(owner: AsyncEngine, archive: Archive) -> None:
    """Read the head as any other process would. Raises ChainBroken."""
    log = await open_log(owner)
    try:
        head = await log.head()
    finally:
        await log.close()
    expected = archive.manifest
    if (str(log.log_id), head.position, head.hash.hex()) != (
        expected.log_id,
        expected.head.position,
        expected.head.hash,
    ):
        raise ChainBroken("the restored log does not have the archive's head: don't use it")
