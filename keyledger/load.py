"""Loads gateway rows into the embedded engine: the engine's own readers take the file, whole or not at all."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Final

from projections.clickhouse import ClickHouse
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
        raise LoadError(f"there is no table of that name: it must be one of {', '.join(TABLES)}")


async def load_file(clickhouse: ClickHouse, gateway: str, table: str, path: Path) -> int:
    """Load one file into a table of the gateway's database; answers with its number of rows.

    The file is read into a table beside it and moved from there in one step, so it is loaded whole or not at all.
    Loading it again is harmless to bills, which count an id once. Raises LoadError with the file's name and the cause.
    """
    check_table(table)
    form = _FORMATS.get(path.suffix.lower())
    if form is None:
        raise LoadError(f"the name must end in {', '.join(_FORMATS)}")
    if not path.is_absolute() or _PLAIN_PATH.fullmatch(str(path)) is None:
        raise LoadError("the path must be absolute, and contain none of * ? { } [ ] ' and backslash")
    if not clickhouse.embedded:
        raise LoadError("files are loaded into the embedded engine alone: a server's own tools load into a server")
    staging = f"{gateway}.loading_{table}"
    async with _LOADING:
        try:
            await clickhouse.command(f"DROP TABLE IF EXISTS {staging} SYNC")
            await clickhouse.command(f"CREATE TABLE {staging} AS {gateway}.{table}")
            await clickhouse.command(f"INSERT INTO {staging} FROM INFILE '{path}' FORMAT {form}", settings=_SETTINGS)
            ((count,),) = await clickhouse.query(f"SELECT count() FROM {staging}")  # noqa: S608 - names of our own
            await clickhouse.command(f"ALTER TABLE {gateway}.{table} ATTACH PARTITION ID 'all' FROM {staging}")
        except ClickHouseRefused as error:
            raise LoadError(_cause(error)) from error
        finally:
            await clickhouse.command(f"DROP TABLE IF EXISTS {staging} SYNC")
    return int(count)


def _cause(error: ClickHouseRefused) -> str:
    """The engine's own words, for the operator whose file it is: they name the column and the row."""
    text = str(error.__cause__ or error).replace("DB::Exception: ", "")
    return " ".join(text.split())[:400]
