"""Loads gateway rows into the embedded engine: the engine's own readers take the file, whole or not at all."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Final

from projections.engine.client import ClickHouse
from projections.errors import ClickHouseRefused

TABLES: Final = ("ChatInference", "JsonInference", "ModelInference", "BatchIdByInferenceId")
_FORMATS: Final = {".jsonl": "JSONEachRow", ".csv": "CSVWithNames", ".parquet": "Parquet"}
# The engine reads globs and archives from a path too, and the path stands in the statement: only a plain one is passed.
_PLAIN_PATH: Final = re.compile(r"[^*?{}\[\]'\\\0\n]+")
_SETTINGS: Final[dict[str, str | int]] = {
    # A column that the table has not is an error; one that is missing in the file takes its default.
    "input_format_skip_unknown_fields": 0,
    "input_format_defaults_for_omitted_fields": 1,
    "input_format_allow_errors_num": 0,
    "date_time_input_format": "best_effort",
}
# One load at a time: each goes through a table of its own name.
_LOADING: Final = asyncio.Lock()


class LoadError(Exception):
    """A file can't be loaded: nothing of it was."""


def check_table(table: str) -> None:
    """Raise LoadError for a table that the gateway has not."""
    if table not in TABLES:
        raise LoadError(f"must be one of {', '.join(TABLES)}")


async def load_file(clickhouse: ClickHouse, gateway: str, table: str, path: Path) -> int:
    """Load one file into a table of the gateway's database; answers with its number of rows.

    It is loaded whole or not at all, and no value is changed to fit. Loading it again is harmless to bills, which count
    an id once. Raises LoadError with the file's name and the cause.
    """
    check_table(table)
    form = _FORMATS.get(path.suffix.lower())
    if form is None:
        raise LoadError(f"the name must end in {', '.join(_FORMATS)}")
    if not path.is_absolute() or _PLAIN_PATH.fullmatch(str(path)) is None:
        raise LoadError("the path must be absolute, and contain none of * ? { } [ ] ' and backslash")
    if not clickhouse.embedded:
        raise LoadError("files are loaded into the embedded engine alone: a server's own tools load into a server")
    async with _LOADING:
        try:
            return await _Load(clickhouse, gateway, table).run(path, form)
        except ClickHouseRefused as error:
            raise LoadError(f"{engine_words(error)} Nothing of it was loaded.") from error


class _Load:
    """One load: read into wide columns, look for what does not fit, narrow, move into the table in one step."""

    def __init__(self, clickhouse: ClickHouse, gateway: str, table: str) -> None:
        self._clickhouse = clickhouse
        self._gateway, self._table = gateway, table
        self._target = f"{gateway}.{table}"
        self._wide, self._narrow = f"{gateway}.loading_wide_{table}", f"{gateway}.loading_{table}"

    async def run(self, path: Path, form: str) -> int:
        columns = await self._columns()
        wide = ", ".join(f"{name} {_widened(kind)}" for name, kind in columns.items())
        names = ", ".join(columns)
        await self._drop()
        try:
            await self._do(f"CREATE TABLE {self._wide} ({wide}) ENGINE = MergeTree ORDER BY tuple()")
            await self._do(f"INSERT INTO {self._wide} FROM INFILE '{path}' FORMAT {form}", _SETTINGS)
            count = await self._check(columns)
            await self._do(f"CREATE TABLE {self._narrow} AS {self._target}")
            await self._do(f"INSERT INTO {self._narrow} ({names}) SELECT {names} FROM {self._wide}")  # noqa: S608 - as above
            await self._do(f"ALTER TABLE {self._target} ATTACH PARTITION ID 'all' FROM {self._narrow}")
        finally:
            await self._drop()
        return count

    async def _columns(self) -> dict[str, str]:
        """The columns that a file may have, and their types."""
        return dict(
            await self._clickhouse.query(
                "SELECT name, type FROM system.columns WHERE database = {database:String} AND table = {table:String} "
                "AND default_kind != 'MATERIALIZED' ORDER BY position",
                {"database": self._gateway, "table": self._table},
            )
        )

    async def _check(self, columns: dict[str, str]) -> int:
        """The number of rows. Raises LoadError for a value that the table would change, and for a missing id."""
        wrong = {name: sql for name, kind in columns.items() if (sql := _wrong(name, kind))}
        counted = ", ".join(f"countIf({sql})" for sql in wrong.values())
        sql = f"SELECT count(), {counted} FROM {self._wide}"  # noqa: S608 - names of the table's own
        ((rows, *counts),) = await self._clickhouse.query(sql)
        faults = [f"{name} in {count} of {rows} rows" for name, count in zip(wrong, counts, strict=True) if count]
        if faults:
            raise LoadError(f"a value is missing or does not fit, and would be changed: {', '.join(faults)}")
        return int(rows)

    async def _do(self, sql: str, settings: dict[str, str | int] | None = None) -> None:
        await self._clickhouse.command(sql, settings=settings)

    async def _drop(self) -> None:
        for table in (self._wide, self._narrow):
            await self._do(f"DROP TABLE IF EXISTS {table} SYNC")


def _widened(kind: str) -> str:
    """A type with room for what does not fit: the engine's readers cut numbers without a word."""
    return kind.replace("UInt32", "Int128").replace("Decimal(18, 9)", "Decimal(76, 30)")


def _wrong(name: str, kind: str) -> str | None:
    """SQL that finds rows whose value in a widened column is no value of the table's."""
    if kind == "UUID":
        return f"{name} = toUUID('00000000-0000-0000-0000-000000000000')" if name != "episode_id" else None
    if "UInt32" in kind:
        return f"ifNull({name} < 0 OR {name} > 4294967295, false)"
    if "Decimal(18, 9)" in kind:
        return f"ifNull({name} != CAST(CAST({name}, 'Nullable(Decimal(18, 9))'), 'Nullable(Decimal(76, 30))'), false)"
    return None


def engine_words(error: ClickHouseRefused) -> str:
    """The engine's own words, for the operator whose file or statement it is: they name the column and the row."""
    text = re.sub(r"Code: \d+\. |DB::Exception: |\(version [^)]*\)", "", str(error.__cause__ or error))
    return " ".join(text.split())[:400]
