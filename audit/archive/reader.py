"""Reads an archive and trusts nothing: checks every line against the chain, the manifest and the export format.

These checks can't detect an archive that somebody rebuilt from its first event on, with its own chain and manifest.
Compare the head's hash with one that you kept: the topic, ClickHouse's `event_applied` and older archives have it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID

import msgspec

from audit.archive.export import line_of
from audit.archive.manifest import CREDENTIALS, EVENTS, Manifest, read_manifest
from audit.archive.secret_hashes import Committed, SecretHash, committed, fits
from audit.errors import BadArchive
from registry.errors import UndecodableEvent
from registry.instant import format_us, from_us
from registry.keys.secrets import PUBLIC_ID
from registry.log import chain, codec
from registry.log.event_log import RecordedEvent
from registry.progress import Progress
from registry.publish.cloudevent import NotOurs, read_value

BATCH: Final = 4000
MAX_LINE_BYTES: Final = 4 << 20
_BLOCK: Final = 1 << 20
_DECODE: Final = msgspec.json.Decoder(SecretHash).decode
_ENCODE: Final = msgspec.json.Encoder().encode

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that an event added, and its hash if the archive has it."""

    of: Committed
    hash: str | None = field(repr=False)


@dataclass(slots=True)
class ArchiveChunk:
    """Checked events, and the secrets that they added."""

    events: list[RecordedEvent] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)


class Archive:
    """An archive whose files match its manifest byte for byte. Created by `open_archive`. Blocking."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest

    @property
    def with_credentials(self) -> bool:
        """Whether it has the hashes of secrets."""
        return CREDENTIALS in self.manifest.files

    def batches(self, size: int = BATCH) -> Generator[ArchiveChunk]:
        """All events in order, checked. Raises BadArchive, which names the line."""
        with _opened(self.folder / EVENTS) as events:
            if not self.with_credentials:
                yield from _Check(self.manifest, _no_lines()).run(events, size)
                return
            with _opened(self.folder / CREDENTIALS) as credentials:
                yield from _Check(self.manifest, _read_lines(credentials, CREDENTIALS)).run(events, size)


def open_archive(folder: Path, on_progress: OnProgress = lambda _: None) -> Archive:
    """Open an archive, after checking its manifest and the digest of each file. Raises BadArchive."""
    manifest = read_manifest(folder)
    archive = Archive(folder, manifest)
    if not archive.with_credentials and (folder / CREDENTIALS).exists():
        raise BadArchive(f"{CREDENTIALS} exists, but the manifest does not list it")
    total, done = sum(one.bytes for one in manifest.files.values()), 0
    for name, about in manifest.files.items():
        digest, size = sha256(), 0
        with _opened(folder / name) as file:
            while size <= about.bytes and (block := file.read(_BLOCK)):
                digest.update(block)
                size += len(block)
                on_progress(Progress("digests", min(done + size, total), total))
        if (size, digest.hexdigest()) != (about.bytes, about.sha256):
            _find_the_line(archive)
            raise BadArchive(f"{name} is not the file that the manifest describes")
        done += size
    return archive


def check_archive(archive: Archive, on_progress: OnProgress = lambda _: None) -> None:
    """Read all of it. Raises BadArchive, which names the line."""
    done = 0
    for batch in archive.batches():
        done += len(batch.events)
        on_progress(Progress("events", done, archive.manifest.count))


def _find_the_line(archive: Archive) -> None:
    """Raise for the first line that is wrong, if a line shows the fault."""
    for _ in archive.batches():
        pass


class _Check:
    """One pass over the lines."""

    def __init__(self, manifest: Manifest, credentials: Iterator[tuple[int, bytes]]) -> None:
        self._manifest = manifest
        self._log_id = UUID(manifest.log_id)
        self._credentials = credentials
        self._line = 0
        self._hash = chain.genesis_hash(self._log_id)
        self._recorded_us = -1
        self._hashes = 0
        self._next = self._next_hash()

    def run(self, events: BinaryIO, size: int) -> Iterator[ArchiveChunk]:
        batch = ArchiveChunk()
        for self._line, line in _read_lines(events, EVENTS):
            event = self._event(line)
            batch.events.append(event)
            try:
                of = committed(event, codec.decode(event))
            except UndecodableEvent as error:
                raise self._bad("does not decode: it is wrong, or of a later version") from error
            if of is not None:
                batch.secrets.append(Secret(of, self._take_hash(of)))
            if len(batch.events) == size:
                yield batch
                batch = ArchiveChunk()
        self._end()
        if batch.events:
            yield batch

    def _event(self, line: bytes) -> RecordedEvent:
        try:
            record = read_value(line)
        except NotOurs as error:
            raise self._bad(str(error)) from error
        event = record.linked.event
        if record.log_id != self._manifest.log_id:
            raise self._bad("is of another log")
        if event.position != self._line:
            raise self._bad(f"has position {event.position}: lines are missing, added or swapped")
        # The payload's digest was computed from the payload just read.
        if record.linked.previous_hash != self._hash or chain.event_hash(self._hash, event) != event.hash:
            raise self._bad("was changed, or does not chain to the one before")
        if line_of(self._log_id, record.linked) != line:
            raise self._bad("is not as an export writes it")
        if event.recorded_us <= self._recorded_us:
            raise self._bad("was not recorded after the one before")
        self._hash, self._recorded_us = event.hash, event.recorded_us
        return event

    def _take_hash(self, of: Committed) -> str | None:
        """The hash of a secret, if it is the next in the file: both files are in the order of the events."""
        if self._next is None:
            return None
        number, line = self._next
        if (line.kind, line.id) != (of.kind, of.id):
            return None
        if not fits(line, of):
            raise BadArchive(
                f"{CREDENTIALS}, line {number}: the hash of {of.id} is not the one that its event commits to"
            )
        self._next = self._next_hash()
        return line.secret_hash

    def _next_hash(self) -> tuple[int, SecretHash] | None:
        for number, line in self._credentials:
            try:
                parsed = _DECODE(line)
            except (msgspec.MsgspecError, ValueError, RecursionError):  # the library's message could quote the hash
                raise BadArchive(f"{CREDENTIALS}, line {number} can't be read") from None
            if _ENCODE(parsed) + b"\n" != line:
                raise BadArchive(f"{CREDENTIALS}, line {number} is not as an export writes it")
            self._hashes = number
            return number, parsed
        return None

    def _end(self) -> None:
        head = self._manifest.head
        if self._line != head.position:
            raise BadArchive(f"{EVENTS} ends with line {self._line}, and the manifest says {head.position}")
        recorded_at = format_us(from_us(self._recorded_us)) if self._line else None
        if (self._hash.hex(), recorded_at) != (head.hash, head.recorded_at):
            raise BadArchive(f"the manifest names another head than line {self._line}")
        if self._next is not None:
            number, line = self._next
            raise BadArchive(f"{CREDENTIALS}, line {number}: no event in its turn commits to {_shown(line.id)}")
        listed = self._manifest.files.get(CREDENTIALS)
        if listed is not None and listed.lines != self._hashes:
            raise BadArchive(f"{CREDENTIALS} ends with line {self._hashes}, and the manifest says {listed.lines}")

    def _bad(self, why: str) -> BadArchive:
        return BadArchive(f"{EVENTS}, line {self._line} {why}")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A regular file, open until the end of the block. Any read error is a fault of the archive."""
    if not path.is_file():  # a pipe would never end
        raise BadArchive(f"{path.name} is missing")
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise BadArchive(f"{path.name} can't be read ({error.strerror})") from error


def _read_lines(file: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(MAX_LINE_BYTES):
        number += 1
        if not line.endswith(b"\n"):
            raise BadArchive(f"{name}, line {number} is cut off, or too long to be one")
        yield number, line


def _no_lines() -> Iterator[tuple[int, bytes]]:
    return iter(())


def _shown(id_: str) -> str:
    """An id, if it looks like one: anything else could be a misplaced secret."""
    return id_ if PUBLIC_ID.fullmatch(id_) else "what stands there"
