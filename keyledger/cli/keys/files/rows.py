"""The rows of a file of keys, CSV or NDJSON, each read strictly. What a tag may be, the registry says."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final

_CREATES: Final = ("tags", "description", "expiration", "organization", "workspace")
_EDITS: Final = ("public_id", "tags", "description", "expiration", "effective_at", "reason")
_TAG: Final = "tags."
_ID: Final = re.compile(r"[A-Za-z0-9]{1,64}", re.ASCII)
_MAX_BYTES: Final = 200 << 20
_MAX_FAULTS: Final = 20


class BadFile(Exception):
    """The file can't be read. The message names the lines."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row: the number of its line, what it asks for, and a digest of that."""

    line: int
    asks: dict[str, Any]

    @property
    def public_id(self) -> str | None:
        """The key that it edits; None where it makes one."""
        return self.asks.get("public_id")

    @property
    def digest(self) -> str:
        """Of what it asks for: the same for the same."""
        return hashlib.sha256(json.dumps(self.asks, sort_keys=True).encode()).hexdigest()[:32]


def read_rows(path: Path) -> list[Row]:
    """All rows of a file, by its suffix. All make keys, or all edit keys. Raises BadFile."""
    readers = {".csv": _of_csv, ".ndjson": _of_ndjson, ".jsonl": _of_ndjson}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise BadFile(f"{path.name} must be a .csv, or an .ndjson of one JSON object a line")
    rows, faults = list[Row](), list[str]()
    for line, asks in reader(_text(path)):
        if isinstance(asks, str):
            faults.append(f"line {line}: {asks}")
        else:
            rows.append(Row(line, asks))
    edits = sum(row.public_id is not None for row in rows)
    if 0 < edits < len(rows):
        other = next(row for row in rows if (row.public_id is None) != (rows[0].public_id is None))
        faults.append(f"line {other.line}: a file makes keys or edits them: either each row has a public_id, or none")
    if faults:
        more = [f"and {len(faults) - _MAX_FAULTS} more"] if len(faults) > _MAX_FAULTS else []
        raise BadFile("\n".join([f"{path.name} is not as it must be: nothing was sent", *faults[:_MAX_FAULTS], *more]))
    if not rows:
        raise BadFile(f"{path.name} has no rows")
    return rows


def _text(path: Path) -> str:
    if not path.is_file():  # a pipe would never end
        raise BadFile(f"{path.name} is no file")
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise BadFile(f"{path.name} has more than {_MAX_BYTES >> 20} MiB: split it")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile(f"{path.name} is not UTF-8, at byte {error.start}") from error
    except OSError as error:
        raise BadFile(f"{path.name} can't be read: {error.strerror}") from error


def _of_csv(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Rows by a header of fields, and of tags as `tags.<name>`. An empty cell is not there."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        twice = sorted({name for name in header if header.count(name) > 1})
        unknown = [name for name in header if not name.startswith(_TAG) and name not in {*_CREATES, *_EDITS} - {"tags"}]
        if twice or unknown:
            words = f"names {twice[0]!r} twice" if twice else f"names {unknown[0]!r}: tags are tags.<name>"
            yield 1, f"the header {words}"
            return
        for cells in reader:
            if cells:
                yield reader.line_num, _of_cells(header, cells)
    except csv.Error as error:
        yield reader.line_num, str(error)


def _of_cells(header: list[str], cells: list[str]) -> dict[str, Any] | str:
    if len(cells) != len(header):
        return f"has {len(cells)} cells, the header {len(header)}"
    given = {name: cell for name, cell in zip(header, cells, strict=True) if cell}
    tags = {name.removeprefix(_TAG): cell for name, cell in given.items() if name.startswith(_TAG)}
    others = {name: cell for name, cell in given.items() if not name.startswith(_TAG)}
    return _known({**others, "tags": tags} if tags else others)


def _of_ndjson(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            yield number, f"is not JSON: {error}"
            continue
        yield number, _known(found) if isinstance(found, dict) else "must be a JSON object"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        raise ValueError("it has a name twice")
    return named


def _known(asks: dict[str, Any]) -> dict[str, Any] | str:
    """The row, or what is wrong with it."""
    known = _EDITS if "public_id" in asks else _CREATES
    if unknown := [name for name in asks if name not in known]:
        return f"{unknown[0]!r} is none of {', '.join(known)}"
    public_id = asks.get("public_id", "x")
    if not isinstance(public_id, str) or _ID.fullmatch(public_id) is None:
        return "public_id must be the id of a key: letters and digits"
    try:
        json.dumps(asks, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return "has a text that is not well-formed Unicode"
    if not isinstance(asks.get("tags", {}), dict):
        return "tags must be an object of names and values"
    return asks
