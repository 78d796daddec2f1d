"""Keys as a gateway made them, in its own table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from gateways.tensorzero.setup import create_table
from keyledger.demo.gateway_rows import GatewayRows, KeyUse, generate
from registry.db.connection import make_engine
from registry.instant import to_ms
from tests.support.oracle.oracle import Fact
from tests.support.servers.databases import Database

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


def many_keys(count: int, *, every: timedelta = timedelta(minutes=1)) -> Iterator[MadeKey]:
    """Keys one after the other; every tenth is disabled after an hour, every seventh expires after two."""
    for number in range(count):
        at = CREATED + number * every
        yield MadeKey(
            f"many{number:08}",
            description=f"key № {number}",
            created_at=at,
            disabled_at=at + timedelta(hours=1) if number % 10 == 3 else None,
            expires_at=at + timedelta(hours=2) if number % 7 == 5 else None,
        )


def use(keys: Sequence[MadeKey], seed: int, inferences: int) -> GatewayRows:
    """Inferences of those keys from the first one's creation on, some in the last millisecond of a life or after it."""
    uses = [KeyUse(key.public_id, to_ms(key.created_at), _end_ms(key)) for key in keys]
    rows = generate(
        seed, uses, min(use.since_ms for use in uses), to_ms(keys[-1].created_at) + 4 * 3_600_000, inferences
    )
    for key in keys:
        ends = [to_ms(end) for end in (key.created_at, key.disabled_at, key.expires_at) if end is not None]
        for at_ms in (at_ms for end in ends for at_ms in (end - 1, end)):
            rows.chat(at_ms, key.public_id)
    return rows


def facts_of_keys(keys: Iterable[MadeKey], tags: Mapping[str, Mapping[str, str]], position: int) -> list[Fact]:
    """What the gateway's rows and a mapping say to the oracle, as if learned at one position: not what the log says."""
    facts: list[Fact] = []
    for key in keys:
        at, of = to_ms(key.created_at), key.public_id
        expires_ms = None if key.expires_at is None else to_ms(key.expires_at)
        facts.append(Fact(position, at, "key_created", of, expires_ms=expires_ms))
        facts.append(Fact(position, at, "credential_created", of, credential_id=of))
        facts += [Fact(position, at, "tag", of, tag=name, value=value) for name, value in tags.get(of, {}).items()]
        if key.disabled_at is not None:
            facts.append(Fact(position, to_ms(key.disabled_at), "key_revoked", of))
    return facts


def _end_ms(key: MadeKey) -> int | None:
    return min((to_ms(end) for end in (key.disabled_at, key.expires_at) if end is not None), default=None)
