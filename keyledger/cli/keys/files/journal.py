"""What an import has done so far, in two files, so that it can be run again after anything.

The file of results has a line for each row that is done. A second one, with the suffix `.sending`, is there while
it is not known whether the rows that it names are done. Both are readable by their owner alone: results hold secrets.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from keyledger.cli.keys.files.rows import Row

_MODE: Final = 0o600
_BEGINS: Final = b'{"line":'
# The registry keeps an answer for a day, so rows are repeated only until some time before that.
KEPT: Final = timedelta(hours=23)


class BadJournal(Exception):
    """The import can't go on. The message says why and what to do."""


class Sending(msgspec.Struct, frozen=True):
    """Rows that were sent: where to, by which idempotency key and token, and when."""

    idempotency_key: str
    url: str
    token_id: str
    sent_at: datetime
    lines: list[int]
    digests: list[str]


@dataclass(frozen=True, slots=True)
class Done:
    """A row that is done, and the key that it made or edited."""

    row: Row
    shown: Mapping[str, Any]


class Journal:
    """The results of one import. Use it with `with`: a second import into the same file is refused."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._sending = out.with_name(out.name + ".sending")
        self._digests: dict[int, str] = {}
        self._file = -1

    def __enter__(self) -> Self:
        """Read what is there. Raises BadJournal."""
        try:
            self._file = os.open(self.out, os.O_RDWR | os.O_CREAT | os.O_APPEND, _MODE)
        except OSError as error:
            raise BadJournal(f"{self.out} can't be written: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._read()
            os.fchmod(self._file, _MODE)  # of a file of results that was there, too
        except BlockingIOError as error:
            os.close(self._file)
            raise BadJournal(f"another import writes {self.out}") from error
        except BaseException:
            os.close(self._file)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the file go."""
        os.close(self._file)

    def left(self, rows: Sequence[Row]) -> list[Row]:
        """The rows that are not done. Raises BadJournal where one that is done asks for something else now."""
        for row in rows:
            if row.line in self._digests and self._digests[row.line] != row.digest:
                raise BadJournal(
                    f"line {row.line} is done already, as {self.out.name} says, and asked for something else then: "
                    "change that key by a row with its public_id, in another file"
                )
        return [row for row in rows if row.line not in self._digests]

    def sent(self, rows: Sequence[Row], url: str, token_id: str, now: datetime) -> tuple[Sending, list[Row]] | None:
        """The rows that were sent and may be done or not; they can be repeated. Raises BadJournal where they can't."""
        if not self._sending.exists():
            return None
        try:
            sending = msgspec.json.decode(self._sending.read_bytes(), type=Sending)
        except msgspec.MsgspecError as error:
            raise BadJournal(f"{self._sending} can't be read: see which keys were made, and remove it") from error
        if self._digests.keys() >= set(sending.lines):  # all of them are done: only this file was not removed
            self.refused()
            return None
        by_line = {row.line: row for row in rows}
        again = [by_line[line] for line in sending.lines if line in by_line]
        first, last = sending.lines[0], sending.lines[-1]
        why = None
        if [row.digest for row in again] != sending.digests:
            why = "were changed since: put them back as they were"
        elif sending.url != url:
            why = f"were sent to {sending.url}: use that address"
        elif sending.token_id != token_id:
            why = f"were sent with the token {sending.token_id}: use that one"
        elif now - sending.sent_at > KEPT:
            why = f"were sent at {sending.sent_at:%Y-%m-%dT%H:%M:%SZ}, too long ago to be repeated"
        if why is not None:
            raise BadJournal(
                f"lines {first} to {last} may be done or not, and {why}. Or see which keys were made then, empty their "
                f"lines in the file, and remove {self._sending.name}"
            )
        return sending, again

    def send(self, idempotency_key: str, url: str, token_id: str, rows: Sequence[Row]) -> None:
        """Note that these rows are about to be sent. Raises BadJournal where that can't be written."""
        lines, digests = [row.line for row in rows], [row.digest for row in rows]
        sending = Sending(idempotency_key, url, token_id, datetime.now(UTC), lines, digests)
        new = self._sending.with_suffix(".new")
        with self._writing():
            file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
            try:
                _write(file, msgspec.json.encode(sending))
                os.fsync(file)
            finally:
                os.close(file)
            new.replace(self._sending)
            folder = os.open(self.out.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def done(self, results: Iterable[Done]) -> None:
        """Write the results of the rows that were sent. Raises BadJournal where that can't be done: they can be
        repeated.
        """
        with self._writing():
            for one in results:
                if one.row.line not in self._digests:
                    line = {"line": one.row.line, "digest": one.row.digest, **one.shown}
                    _write(self._file, json.dumps(line, ensure_ascii=False).encode() + b"\n")
                    self._digests[one.row.line] = one.row.digest
            os.fsync(self._file)
        self.refused()

    def refused(self) -> None:
        """The rows that were sent are not done."""
        self._sending.unlink(missing_ok=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise BadJournal(
                f"{self.out} can't be written ({error.strerror}): make room, and run it again: nothing is done twice"
            ) from error

    def _read(self) -> None:
        """Learn what is done; a last line that a crash cut off is not. A file of something else is left as it is."""
        content = self.out.read_bytes()
        whole = content.rfind(b"\n") + 1
        if not (_BEGINS.startswith(content[whole:]) or content[whole:].startswith(_BEGINS)):
            raise BadJournal(f"{self.out} is not a file of results: name another --out")
        for number, line in enumerate(content[:whole].splitlines(), start=1):
            try:
                found = json.loads(line)
                self._digests[int(found["line"])] = str(found["digest"])
            except (ValueError, LookupError, TypeError) as error:
                raise BadJournal(f"{self.out}, line {number}: not a result of an import: name another --out") from error
        os.ftruncate(self._file, whole)


def _write(file: int, content: bytes) -> None:
    """All of it: a disk that is nearly full takes a part, and fails at the next."""
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]
