"""Loads files into the engine of a test, and looks at what is there then."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from keyledger.embedded.load import Batches, Engine, Found, LoadError, load_file, unload
from projections.usage.journal.books import OwnBooks
from projections.usage.journal.state import Journal
from tests.support.bill_world import World

AT = datetime(2026, 3, 1, tzinfo=UTC)
ID = "01953a3e-0000-7000-8000-00000000000{}"
MODEL_ROW: dict[str, Any] = {
    "id": ID.format(1),
    "inference_id": ID.format(2),
    "model_name": "gpt",
    "model_provider_name": "openai",
    "input_tokens": 1,
    "cost": "0.1",
}


@dataclass(frozen=True)
class Loading:
    """The engine of a test."""

    world: World

    @property
    def engine(self) -> Engine:
        """What is loaded into."""
        journal = Journal(self.world.clickhouse, self.world.names)
        return Engine(self.world.clickhouse, self.world.names, OwnBooks(journal))

    async def load(self, table: str, file: Path, batch: str = "batch") -> int:
        """Load a file; the number of its rows."""
        return (await self.found(table, file, batch)).rows

    async def found(self, table: str, file: Path, batch: str = "batch", *, dry_run: bool = False) -> Found:
        """Load a file, or only look at it; what it has."""
        found = await load_file(self.engine, table, file, batch, AT, dry_run=dry_run)
        await self.engine.books.catch_up()
        return found

    async def unload(self, batch: str) -> dict[str, int]:
        """Take a batch back; how many rows left each table."""
        return await unload(self.engine, batch)

    async def batches(self) -> list[str]:
        """Of each load that is there, its batch."""
        return [one.batch for one in await Batches(self.world.clickhouse, self.world.names).loads()]

    async def refused(self, table: str, file: Path) -> str:
        """Why a file is refused. Nothing of it is there then."""
        before = await self.digest(table)
        with pytest.raises(LoadError) as caught:
            await self.load(table, file)
        assert await self.digest(table) == before
        return str(caught.value)

    async def digest(self, table: str) -> tuple[Any, ...]:
        """A number over all values of all rows of a table, and how many rows there are."""
        (row,) = await self.world.select(f"SELECT sum(sipHash64(tuple(*))), count() FROM {{gateway}}.{table}")
        return row

    async def values(self, column: str, table: str = "ModelInference") -> list[Any]:
        """What a column holds, by id."""
        return [one for (one,) in await self.world.select(f"SELECT {column} FROM {{gateway}}.{table} ORDER BY id")]

    async def empty(self, *tables: str) -> None:
        """Remove all rows."""
        for table in tables or ("ModelInference",):
            await self.world.clickhouse.command(f"TRUNCATE TABLE {self.world.names.gateway}.{table}")


def json_lines(path: Path, *rows: Mapping[str, Any] | str) -> Path:
    """A file of rows, or of lines as they are."""
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path
