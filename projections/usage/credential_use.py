"""When credentials were last used, by the usage journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from projections.engine.client import ClickHouse
from projections.engine.templates import Names, sql
from projections.usage.journal.state import Journal
from projections.usage.seen_until import seen_until_ms
from registry.instant import from_ms, to_ms

# A look at one key is no reason to keep the engine busy.
MAX_S = 10


@dataclass(frozen=True, slots=True)
class CredentialUse:
    """How often a credential was used, and when last: None, when never."""

    credential_id: str
    last_used_at: datetime | None
    inferences: int


@dataclass(frozen=True, slots=True)
class KeyUse:
    """The use of some credentials, in the order asked for, of the inferences that came until `seen_until`."""

    items: list[CredentialUse]
    seen_until: datetime | None


async def read_use(clickhouse: ClickHouse, names: Names, credential_ids: Sequence[str]) -> KeyUse:
    """The use of each of these credentials, at least one. Raises ClickHouseUnavailable also where it takes too long."""
    pinned = await Journal(clickhouse, names).pinned()
    now_ms, limit = to_ms(datetime.now(UTC)), {"max_execution_time": MAX_S}
    parameters = {"credential_ids": list(credential_ids), "now_ms": now_ms, **pinned.parameters}
    rows = await clickhouse.query(sql("queries/usage/credential_use", names), parameters, limit)
    seen_ms = await seen_until_ms(clickhouse, names, pinned, now_ms, limit)
    used = {id_: CredentialUse(id_, _instant(last_ms), inferences) for id_, last_ms, inferences in rows}
    return KeyUse([used[id_] for id_ in credential_ids], _instant(seen_ms))


def _instant(ms: int | None) -> datetime | None:
    return None if ms is None or ms < 0 else from_ms(ms)
