"""The record of what was loaded: a load is one file in a batch, and a batch is what is taken back."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Final
from uuid import UUID, uuid4

from keyledger.embedded.load.errors import LoadError
from projections.engine.client import ClickHouse
from projections.engine.templates import Names, sql
from projections.ledger.presence import Presence
from projections.usage.journal.books import Books

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_COLUMNS: Final = ("load", "batch", "table", "file", "rows", "new_rows", "step", "at")


class Step(IntEnum):
    """How far a load is. Begun and leaving ones are taken back at the next start, or before the next load."""

    BEGUN = 1
    LOADED = 2
    LEAVING = 3
    GONE = 4


@dataclass(frozen=True)
class Load:
    """One file of a batch."""

    batch: str
    table: str
    file: str
    rows: int
    new_rows: int
    loaded_at: datetime


def new_batch(at: datetime) -> str:
    """A name for a batch that has none."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H-%M-%SZ}-{secrets.token_hex(3)}"


def check_batch(batch: str) -> None:
    """Raise LoadError for what can't be the name of a batch."""
    if _NAME.fullmatch(batch) is None:
        raise LoadError("a batch is named by up to 100 letters, digits, dots, colons, dashes and underscores")


@dataclass(frozen=True, slots=True)
class Engine:
    """The embedded engine, and the books of the usage journal that is kept of it."""

    clickhouse: ClickHouse
    names: Names
    books: Books


def check_embedded(clickhouse: ClickHouse) -> None:
    """Raise LoadError for a server: others write into its tables, and it has tools of its own."""
    if not clickhouse.embedded:
        raise LoadError("files are loaded into the embedded engine alone: a server's own tools load into a server")


class Batches:
    """The loads of the embedded engine. Methods raise ClickHouseError."""

    def __init__(self, clickhouse: ClickHouse, names: Names) -> None:
        self._clickhouse = clickhouse
        self._names = names
        self._table = f"{names.gateway}.load_v1"

    async def loads(self) -> list[Load]:
        """What is there of what was loaded, in order."""
        rows = await self._clickhouse.query(sql("queries/load/loads", self._names))
        return [Load(*row) for row in rows]

    async def begin(self, load: Load) -> UUID:
        """Record that rows are about to come; they are taken back unless `finish` follows."""
        id_ = uuid4()
        row = (id_, load.batch, load.table, load.file, load.rows, load.new_rows, int(Step.BEGUN), load.loaded_at)
        await self._clickhouse.insert(self._table, [row], _COLUMNS)
        return id_

    async def step(self, loads: Iterable[UUID], step: Step) -> None:
        """Move loads on to a step. Moving them there twice is harmless."""
        ids = ", ".join(f"'{one}'" for one in loads)
        columns = ", ".join(str(int(step)) if name == "step" else name for name in _COLUMNS)
        if ids:
            await self._clickhouse.command(
                f"INSERT INTO {self._table} ({', '.join(_COLUMNS)}) SELECT {columns} FROM {self._table} FINAL "  # noqa: S608 - UUIDs of ours
                f"WHERE load IN ({ids})"
            )

    async def at(self, *steps: Step, batch: str | None = None) -> list[UUID]:
        """The loads at one of these steps, of a batch if one is named."""
        found = await self._clickhouse.query(
            f"SELECT load FROM {self._table} FINAL WHERE step IN {{steps:Array(UInt8)}} "  # noqa: S608 - our own name
            "AND ({of_all:Bool} OR batch = {batch:String})",
            {"steps": [int(one) for one in steps], "of_all": batch is None, "batch": batch or ""},
        )
        return [one for (one,) in found]

    async def why_not_back(self, batch: str) -> str | None:
        """Why a batch can't be taken back; None if it can. Whatever is built on loaded rows must have its say here."""
        if not await self.at(Step.LOADED, batch=batch):
            return "there is no such batch: `keyledger loads` lists those that are there"
        known = await Presence(self._clickhouse, self._names).known()
        if missing := (*known.rows, *known.collected):
            return f"rows are missing, which comes first (docs/operate.md, Missing rows): {'; '.join(missing)}"
        return None
