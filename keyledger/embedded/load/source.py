"""A file of a gateway's rows as the engine reads it: its columns, which must be the table's, and their types."""

from __future__ import annotations

import asyncio
import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keyledger.embedded.load.columns import Column
from keyledger.embedded.load.errors import LoadError
from projections.engine.client import ClickHouse

FORMATS: Final = {".jsonl": "JSONEachRow", ".csv": "CSVWithNames", ".parquet": "Parquet"}
# The engine reads globs and archives from a path too, and the path stands in the statement: only a plain one is passed.
_PLAIN_PATH: Final = re.compile(r"[^*?{}\[\]'\\\0\n]+")
SETTINGS: Final[Mapping[str, str | int]] = {
    "input_format_column_name_matching_mode": "match_case",
    "input_format_skip_unknown_fields": 0,
    "input_format_allow_errors_num": 0,
    "input_format_csv_trim_whitespaces": 0,  # blanks around a text belong to it
    "input_format_csv_skip_trailing_empty_lines": 1,
    "schema_inference_make_columns_nullable": 1,
}
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """A file, in SQL, and the type of each of its columns."""

    path: Path
    table_function: str
    types: Mapping[str, str]

    @property
    def is_csv(self) -> bool:
        """Whether nothing between two commas may stand for NULL."""
        return self.path.suffix.lower() == ".csv"


async def open_source(clickhouse: ClickHouse, path: Path, columns: Mapping[str, Column]) -> Source:
    """The file, whose columns are the table's. Raises LoadError that names those that are not, ClickHouseError."""
    form = FORMATS.get(path.suffix.lower())
    if form is None:
        raise LoadError(f"the name must end in {', '.join(FORMATS)}")
    if not path.is_absolute() or _PLAIN_PATH.fullmatch(str(path)) is None:
        raise LoadError("the path must be absolute, and contain none of * ? { } [ ] ' and backslash")
    await asyncio.to_thread(_readable, path)
    if form == "Parquet":
        read = f"file('{path}', 'Parquet')"
        types = {row[0]: row[1] for row in await clickhouse.query(f"DESCRIBE TABLE {read}", settings=SETTINGS)}
        _compare(types, columns)
        return Source(path, read, types)
    # JSON names its columns in every row: those that the table has not are an error while it is read.
    header = await asyncio.to_thread(_header, path) if form == "CSVWithNames" else list(columns)
    _compare(header, columns)
    types = {name: columns[name].read_as for name in header}
    structure = ", ".join(f"`{name}` {type_}" for name, type_ in types.items())
    return Source(path, f"file('{path}', '{form}', '{structure}')", types)


async def unknown_in_json(clickhouse: ClickHouse, source: Source, columns: Mapping[str, Column]) -> None:
    """Raise LoadError that names the columns of a JSON file that the table has not. Reads all of it again."""
    if source.path.suffix.lower() != ".jsonl":
        return
    statement = f"SELECT groupUniqArrayArray(JSONExtractKeys(line)) FROM file('{source.path}', 'LineAsString')"  # noqa: S608 - a plain path
    ((names,),) = await clickhouse.query(statement)
    _compare(names, columns, whole=False)


def _compare(names: Iterable[str], columns: Mapping[str, Column], *, whole: bool = True) -> None:
    found = list(names)
    faults = [f"has {_listed(unknown)}, which the table has not"] if (unknown := set(found) - set(columns)) else []
    if twice := {name for name in found if found.count(name) > 1}:
        faults.append(f"has {_listed(twice)} twice")
    missing = {name for name, column in columns.items() if column.required} - set(found) if whole else set()
    if missing:
        faults.append(f"lacks {_listed(missing)}, which every row must have")
    if faults:
        raise LoadError(f"the file {', and '.join(faults)}. Names count to the letter")


def _listed(names: Iterable[str]) -> str:
    """Names from a file: a dozen at most, each cut short."""
    shown = sorted(name[:60] for name in names)
    return ", ".join(f"`{name}`" for name in shown[:12]) + (f" and {len(shown) - 12} more" if len(shown) > 12 else "")


def _readable(path: Path) -> None:
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise LoadError(f"the file can't be read: {error.strerror}") from error


def _header(path: Path) -> list[str]:
    """The names in the first line of a CSV file. Raises LoadError where there are none, and for an open quote."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file), None)
        with path.open("rb") as file:
            quotes = sum(chunk.count(b'"') for chunk in iter(lambda: file.read(_CHUNK), b""))
    except (UnicodeDecodeError, csv.Error) as error:
        raise LoadError("the first line must have the names of the columns, as CSV in UTF-8") from error
    if not header:
        raise LoadError("the file is empty: its first line must have the names of the columns")
    if quotes % 2:  # the engine would take what it has for the whole value
        raise LoadError("its number of double quotes is odd: a value is cut off, or has one that is not doubled")
    return header
