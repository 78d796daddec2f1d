"""Writes an oracle's facts and rows into ClickHouse as the projector and the gateway would, and makes ids and rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from keyledger.http.answer.encode import encode
from projections.billing.bill import Bill, compute_bill
from projections.billing.query import BillQuery
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.ledger.store import Store
from projections.usage.journal.collecting import Collecting
from projections.usage.journal.state import Journal
from tests.support.ledger.prepared import truncate
from tests.support.oracle.oracle import KEY_TAG, Fact, Row
from tests.support.oracle.prices import PriceFact

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RECORDED = datetime(2026, 6, 1, tzinfo=UTC)
AMOUNTS = (
    "input",
    "output",
    "cache_read",
    "cache_write",
    "cached_input",
    "cached_output",
    "per_inference",
    "cost_multiplier",
)
GATEWAY = ("ChatInference", "JsonInference", "ModelInference", "BatchIdByInferenceId")
JOURNAL_TABLES = (
    "usage_journal_v1",
    "usage_row_v1",
    "usage_taken_v1",
    "usage_gone_v1",
    "usage_shared_id_v1",
    "usage_attempt_v1",
    "usage_recount_v1",
    "usage_entry_v1",
    "usage_batch_v1",
)
_LIFE = {
    "key_created": "created",
    "key_expiration": "expiration",
    "suspended": "suspended",
    "resumed": "resumed",
    "key_revoked": "revoked",
}


def instant(text: str) -> int:
    """Milliseconds of a UTC instant such as 2026-03-01T00:00:00.000."""
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)


def uuid7(at_ms: int, serial: int = 0) -> UUID:
    """The id of an instant; the serial tells several of one millisecond apart."""
    return UUID(int=at_ms << 80 | 7 << 76 | (serial & 0xFFF) << 64 | 2 << 62 | serial)


def chat(id_: UUID, key: str | None, *, table: str = "ChatInference", function: str = "answer", **claims: str) -> Row:
    """An inference row."""
    tags = claims if key is None else {KEY_TAG: key, **claims}
    return {"table": table, "id": id_, "function_name": function, "tags": tags}


def model(id_: UUID, inference_id: UUID, **changes: Any) -> Row:
    """A model row: ten tokens in, five out, a tenth of a cent."""
    row = {
        "table": "ModelInference",
        "id": id_,
        "inference_id": inference_id,
        "model_name": "gpt",
        "model_provider_name": "openai",
        "input_tokens": 10,
        "output_tokens": 5,
        "cached": False,
        "cost": Decimal("0.001000000"),
        "provider_cache_read_input_tokens": None,
        "provider_cache_write_input_tokens": None,
    }
    assert changes.keys() <= row.keys()
    return {**row, **changes}


def batch(inference_id: UUID) -> Row:
    """A row that says that an inference came through a batch request."""
    return {"table": "BatchIdByInferenceId", "inference_id": inference_id, "batch_id": UUID(int=1)}


def key_facts(public_id: str, position: int, at_ms: int, expires_ms: int | None = None, **tags: str) -> list[Fact]:
    """What the creation of a key says."""
    return [
        Fact(position, at_ms, "key_created", public_id, expires_ms=expires_ms),
        Fact(position, at_ms, "credential_created", public_id, credential_id=public_id),
        *(Fact(position, at_ms, "tag", public_id, tag=tag, value=value) for tag, value in tags.items()),
    ]


@dataclass
class World:
    """Two databases of a test: the ledger's and the gateway's."""

    clickhouse: ClickHouse
    names: Names

    @property
    def journal(self) -> Journal:
        """The usage journal."""
        return Journal(self.clickhouse, self.names)

    async def clear(self) -> None:
        """Empty every table."""
        await truncate(self.clickhouse, self.names)

    async def write(self, facts: Sequence[Fact], *, applied: int | None = None) -> None:
        """Write facts as the projector would, and mark positions up to `applied` (the last, unless said) as applied."""
        store = Store(self.clickhouse, self.names)
        await store.insert_tag_changes(
            [
                (f.tag, f.public_id, f.effective_ms, f.position, str(f.cancels) if f.cancels else f.value, RECORDED)
                for f in facts
                if f.kind in ("tag", "cancelled")
            ]
        )
        await store.insert_life(
            [
                (f.public_id, f.effective_ms, f.position, _LIFE[f.kind], f.expires_ms, RECORDED)
                for f in facts
                if f.kind in _LIFE
            ]
        )
        await store.insert_credentials(
            [
                (f.credential_id, f.public_id, f.effective_ms, f.position, kind, f.expires_ms, RECORDED)
                for f in facts
                if (kind := f.kind.removeprefix("credential_")) != f.kind
            ]
        )
        last = max((f.position for f in facts), default=0) if applied is None else applied
        await store.insert_applied([(i, "log", f"hash{i - 1}", f"hash{i}", RECORDED) for i in range(1, last + 1)])

    async def write_prices(self, prices: Sequence[PriceFact]) -> None:
        """Write prices as the projector would."""
        await Store(self.clickhouse, self.names).insert_prices(
            [
                (
                    *(one.price_id, one.position, one.effective_ms, one.kind, one.model, one.provider, dict(one.tags)),
                    *(one.currency, *(getattr(one, name) if one.kind == "set" else None for name in AMOUNTS), RECORDED),
                )
                for one in prices
            ]
        )

    async def serve(self, rows: Sequence[Row], *, collect: bool = True) -> None:
        """Write rows as the gateway would, and collect them unless said."""
        for table in GATEWAY:
            of_table = [row for row in rows if row["table"] == table]
            columns = [name for name in (of_table[0] if of_table else {}) if name != "table"]
            await self.clickhouse.insert(
                f"{self.names.gateway}.{table}", [tuple(row[name] for name in columns) for row in of_table], columns
            )
        if collect:
            await self.collect()

    async def lose_journal(self) -> None:
        """Lose the usage journal, as with the disk that it was on; the gateway's rows stay."""
        for table in JOURNAL_TABLES:
            await self.clickhouse.command(f"TRUNCATE TABLE {self.names.journal}.{table}")

    async def collect(self) -> None:
        """Bring the usage journal up to what the gateway's tables have, as the collector does."""
        await (await Collecting.begun(self.journal)).look()

    async def bill(self, *, applied: int = 10**6, **query: Any) -> dict[str, Any]:
        """The bill of 2026 by nothing, unless said, as answers show it."""
        shown: dict[str, Any] = encode(await self.typed_bill(applied=applied, **query))
        return shown

    async def typed_bill(self, *, applied: int = 10**6, **query: Any) -> Bill:
        """The same as values."""
        defaults = {
            "group_by": (),
            "since": datetime(2026, 1, 1, tzinfo=UTC),
            "until": datetime(2027, 1, 1, tzinfo=UTC),
        }
        return await compute_bill(self.clickhouse, self.names, BillQuery(**{**defaults, **query}), applied)

    async def select(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of a SELECT in which {database} and {gateway} stand for the test's own."""
        for name, value in (("database", self.names.database), ("gateway", self.names.gateway)):
            sql = sql.replace(f"{{{name}}}", value)
        return await self.clickhouse.query(sql, parameters)

    async def intervals(self, known_at: int) -> list[tuple[Any, ...]]:
        """`key_tag_interval_known` in milliseconds, sorted."""
        rows = await self.select(
            "SELECT public_id, toUnixTimestamp64Milli(valid_from), toUnixTimestamp64Milli(valid_until), tags "
            "FROM {database}.key_tag_interval_known(known_at = {known_at:UInt64}) ORDER BY 1, 2",
            known_at=known_at,
        )
        return [(*row[:3], dict(row[3])) for row in rows]
