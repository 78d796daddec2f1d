"""Writes an archive: a folder that is complete under its name, or does not exist under it.

    PATH/                  0700, everything in it 0600
      events.ndjson        one line per event, in the order of positions (`export`)
      credentials.ndjson   only on request: the hashes of secrets, in the order of the events (`secret_hashes`)
      manifest.json        the exact description of the archive (`manifest`)

Written next to it as PATH.partial-…, synced, and renamed at the end; a killed export leaves only that folder.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from audit.archive.manifest import (
    CREDENTIALS,
    EVENTS,
    FORMAT,
    MANIFEST,
    VERSION,
    ArchivedFile,
    ArchivedHead,
    Manifest,
    render,
)
from audit.errors import BadArchive, TargetUnfit
from registry.instant import format_us
from registry.log import chain
from registry.publish.cloudevent import NotOurs, read_value

Chunks = AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class ArchiveContent:
    """What to archive: chunks of complete event lines from position 1 on, and of the secrets' hashes if requested."""

    log_id: UUID
    events: Chunks
    credentials: Chunks | None = None


async def write_archive(path: Path, source: ArchiveContent, exported_at: datetime) -> Manifest:
    """Write the archive; returns once it is on disk under its name.

    Raises TargetUnfit if `path` exists or can't be created, and whatever the source raises; then nothing is left of it.
    """
    work = await asyncio.to_thread(_make_work, path)
    try:
        events = await _write(work / EVENTS, source.events)
        files = {EVENTS: events.about()}
        if source.credentials is not None:
            files[CREDENTIALS] = (await _write(work / CREDENTIALS, source.credentials)).about()
        head = _head(source.log_id, events)
        manifest = Manifest(
            format=FORMAT,
            version=VERSION,
            log_id=str(source.log_id),
            chain_rule=chain.CHAIN_RULE,
            head=head,
            count=head.position,
            files=files,
            exported_at=format_us(exported_at),
            keyledger_version=version("keyledger"),
        )
        await asyncio.to_thread(_finish, work, path, manifest)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return manifest


class _Lines:
    """One file being written, with what the manifest needs to know and its last line."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = sha256()
        self._bytes = 0
        self._lines = 0
        self.last = b""

    def append(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._digest.update(chunk)
        self._bytes += len(chunk)
        self._lines += chunk.count(b"\n")
        if chunk:
            self.last = chunk[chunk.rfind(b"\n", 0, -1) + 1 :]

    def about(self) -> ArchivedFile:
        return ArchivedFile(self._digest.hexdigest(), self._bytes, self._lines)


async def _write(path: Path, chunks: Chunks) -> _Lines:
    file = await asyncio.to_thread(_open_private, path)
    with file:
        lines = _Lines(file)
        async for chunk in chunks:
            await asyncio.to_thread(lines.append, chunk)
        await asyncio.to_thread(_sync, file)
    return lines


def _head(log_id: UUID, events: _Lines) -> ArchivedHead:
    count = events.about().lines
    if count == 0:
        return ArchivedHead(0, chain.genesis_hash(log_id).hex(), None)
    try:
        last = read_value(events.last).linked.event
    except NotOurs as error:
        raise BadArchive(f"the last line that came {error}") from error
    if last.position != count:
        raise BadArchive(f"{count} lines came, and the last is of position {last.position}")
    return ArchivedHead(last.position, last.hash.hex(), format_us(last.recorded_at))


def _make_work(path: Path) -> Path:
    if os.path.lexists(path):
        raise TargetUnfit(f"{path} exists: choose a free name")
    try:
        return Path(tempfile.mkdtemp(prefix=f"{path.name}.partial-", dir=path.absolute().parent))  # mkdtemp gives 0700
    except OSError as error:
        raise TargetUnfit(f"{path} can't be created ({error.strerror})") from error


def _open_private(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _finish(work: Path, path: Path, manifest: Manifest) -> None:
    with _open_private(work / MANIFEST) as file:
        file.write(render(manifest))
        _sync(file)
    _sync_folder(work)
    if os.path.lexists(path):
        raise TargetUnfit(f"{path} has been created meanwhile: choose a free name")
    work.rename(path)
    _sync_folder(path.absolute().parent)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
