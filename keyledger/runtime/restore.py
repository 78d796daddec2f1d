"""Where an archive is restored: a data folder of its own, or, by settings, the production database."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from audit.archive.reader import OnProgress, open_archive
from audit.archive.restore import Restored, restore
from keyledger.embedded.folder import DataFolder
from keyledger.runtime.connections import database_engine
from keyledger.settings import Settings, chosen_folder


async def restore_archive(path: Path, data: Path | None, settings: Settings, on_progress: OnProgress) -> Restored:
    """Check the archive's digests, then restore it as its owner; see `audit.archive.restore`.

    Without `data`, and with a database in the settings, into that one, which `keyledger migrate` has made; else into
    the data folder, which is made when it is new and must not be in use. What was made of a folder goes when the
    archive is refused. Raises as `restore` does, EmbeddedError.
    """
    archive = await asyncio.to_thread(open_archive, path, on_progress)
    async with _target(data, settings) as owner:
        return await restore(owner, archive, on_progress)


@asynccontextmanager
async def _target(data: Path | None, settings: Settings) -> AsyncIterator[AsyncEngine]:
    """A pool of the owner on the registry to restore into."""
    chosen = chosen_folder(data, settings)
    if chosen is None:
        (database_url,) = settings.require("database_url")
        async with _engine(settings, settings.migration_database_url or database_url) as owner:
            yield owner
        return
    from keyledger.embedded.postgresql.supervisor import EmbeddedPostgres  # noqa: PLC0415 - the embedded extra
    from registry.db.migrate import migrate  # noqa: PLC0415 - as above

    # Its server is on this machine and knows no TLS: what the environment asks of another one is not for it.
    settings = settings.model_copy(update={"database_ssl": "disable"})
    with DataFolder(chosen) as folder:
        was_there = folder.postgres.exists()
        postgres = EmbeddedPostgres(folder.postgres)
        try:
            await asyncio.to_thread(postgres.start)
            await migrate(postgres.owner_url, postgres.app_url)
            async with _engine(settings, postgres.owner_url) as owner:
                yield owner
        except BaseException:
            await asyncio.to_thread(postgres.stop)
            if not was_there:
                await asyncio.to_thread(shutil.rmtree, folder.postgres, ignore_errors=True)
            raise
        await asyncio.to_thread(postgres.stop)


@asynccontextmanager
async def _engine(settings: Settings, url: str) -> AsyncIterator[AsyncEngine]:
    owner = database_engine(settings, url)
    try:
        yield owner
    finally:
        await owner.dispose()
