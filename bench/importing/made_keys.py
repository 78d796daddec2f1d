"""A gateway's table full of keys, and a mapping with three tags for each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import asyncpg

from bench.replaying.made_log import plain
from gateways.tensorzero.setup import create_table
from registry.db.connection import make_engine

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = ("organization", "workspace", "description", "public_id", "hash", "created_at", "disabled_at")


async def fill(url: str, count: int) -> None:
    """Rebuild the table with `count` keys; every tenth is disabled."""
    engine = make_engine(url)
    connection = await asyncpg.connect(plain(url))
    await connection.execute("DROP TABLE IF EXISTS tensorzero_auth_api_key")
    await create_table(engine, "public")
    await connection.copy_records_to_table("tensorzero_auth_api_key", columns=COLUMNS, records=_rows(count))
    await connection.execute("ANALYZE tensorzero_auth_api_key")
    await connection.close()
    await engine.dispose()


def write_mapping(path: Path, count: int) -> None:
    """A row for each key; a customer has twenty of them."""
    rows = (f"k{number:011},customer-{number // 20},gold,team-{number % 7}\n" for number in range(count))
    path.write_text("public_id,customer_id,billing_tier,team\n" + "".join(rows))


def _rows(count: int) -> Iterator[tuple[object, ...]]:
    for number in range(count):
        at = SINCE + timedelta(seconds=number)
        disabled_at = at + timedelta(hours=1) if number % 10 == 0 else None
        hash_ = sha256(str(number).encode()).hexdigest()
        yield ("default", "default", f"key {number} of production", f"k{number:011}", hash_, at, disabled_at)
