"""Keys as a gateway made them, in its own table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from projections.gateway.setup import create_table
from registry.driver import make_engine
from tests.databases import Database

CREATED = datetime(2026, 1, 5, 12, 0, 0, 123_456, tzinfo=UTC)
COLUMNS = ("organization", "workspace", "description", "public_id", "hash", "disabled_at", "created_at", "expires_at")


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A row of the gateway's table."""

    public_id: str
    hash: str = ""
    organization: str = "default"
    workspace: str = "default"
    description: str | None = None
    created_at: datetime = CREATED
    disabled_at: datetime | None = None
    expires_at: datetime | None = None

    def row(self) -> tuple[Any, ...]:
        """Its values in the order of COLUMNS."""
        return tuple(
            (self.hash or hash_of(self.public_id)) if name == "hash" else getattr(self, name) for name in COLUMNS
        )


@dataclass(slots=True)
class GatewayKeys:
    """The table, in a database of its own or in another's."""

    database: Database
    schema: str = "public"
    url: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.url = self.database.owner_url

    async def create(self) -> None:
        """Make the table."""
        engine = make_engine(self.database.owner_url)
        await create_table(engine, self.schema)
        await engine.dispose()

    async def add(self, *keys: MadeKey) -> None:
        """Insert rows as the gateway does."""
        await self.copy(key.row() for key in keys)

    async def copy(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Insert many rows."""
        async with self.database.connect() as owner:
            await owner.copy_records_to_table(
                "tensorzero_auth_api_key", schema_name=self.schema, columns=COLUMNS, records=rows
            )

    async def run(self, statement: str, *arguments: object) -> None:
        """What somebody does to the table."""
        async with self.database.connect() as owner:
            await owner.execute(statement, *arguments)

    async def rows(self) -> list[dict[str, Any]]:
        """All that is in it."""
        async with self.database.connect() as owner:
            found: Sequence[Any] = await owner.fetch(
                f'SELECT * FROM "{self.schema}".tensorzero_auth_api_key ORDER BY id'
            )
        return [dict(row) for row in found]


def hash_of(public_id: str) -> str:
    """The hash of a key's made-up secret."""
    return sha256(f"secret of {public_id}".encode()).hexdigest()


def many_keys(count: int, *, since: datetime = CREATED) -> Iterable[MadeKey]:
    """Keys a minute apart; every tenth is disabled after an hour, every seventh expires after two."""
    for number in range(count):
        at = since + timedelta(minutes=number)
        yield MadeKey(
            f"many{number:08}",
            description=f"key № {number}",
            created_at=at,
            disabled_at=at + timedelta(hours=1) if number % 10 == 3 else None,
            expires_at=at + timedelta(hours=2) if number % 7 == 5 else None,
        )
