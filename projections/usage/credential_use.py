"""When credentials were last used, by the gateway's rows that ClickHouse has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from projections.engine.client import ClickHouse
from projections.engine.templates import Names, sql

# A look at one key is no reason to keep the engine busy: some ten million inference rows a second and core.
MAX_S = 10


@dataclass(frozen=True, slots=True)
class CredentialUse:
    """How often a credential was used, and when last: None, when never."""

    last_used_ms: int | None
    inferences: int


@dataclass(frozen=True, slots=True)
class Use:
    """The use of some credentials, by their ids, as far as rows have come: until `seen_until_ms`, None without any."""

    by_credential: dict[str, CredentialUse]
    seen_until_ms: int | None


async def read_use(clickhouse: ClickHouse, names: Names, credential_ids: Sequence[str]) -> Use:
    """The use of each of these credentials, at least one. Raises ClickHouseUnavailable also where it takes too long."""
    rows = await clickhouse.query(
        sql("queries/usage/credential_use", names),
        {"credential_ids": list(credential_ids)},
        {"max_execution_time": MAX_S},
    )
    used = {id_: CredentialUse(_instant(last_ms), inferences) for id_, last_ms, inferences, _ in rows}
    return Use(used, _instant(rows[0][3]))


def _instant(ms: int) -> int | None:
    return None if ms < 0 else ms
