"""What a usage journal says, and what a fresh one would say of the same rows of the gateway's."""

from __future__ import annotations

from typing import Any

from projections.engine import ddl
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.usage.journal.collecting import Collecting
from projections.usage.journal.lines import FIGURES
from projections.usage.journal.state import Journal

_SAYS = "credential_id, at_ms, toString(number), toString(id), state, function_name, model_name, model_provider_name"


async def books(clickhouse: ClickHouse, names: Names, until: int = 2**63) -> list[tuple[Any, ...]]:
    """The sums of all entries that count, up to a batch, by what they say; what was taken back whole is not in it."""
    figures = ", ".join(f"sum({name})" for name in FIGURES)
    return await clickhouse.query(
        f"SELECT {_SAYS}, cached, pairs_before, {figures}, toString(sum(fingerprint)) "
        f"FROM {names.database}.usage_entry_v1 WHERE batch <= {until} "
        f"AND batch IN (SELECT batch FROM {names.database}.usage_batch_v1) "
        f"AND batch NOT IN (SELECT batch FROM {names.database}.usage_attempt_v1 WHERE given_up) "
        f"GROUP BY ALL HAVING sum(sign) != 0 ORDER BY ALL"
    )


async def fresh_books(clickhouse: ClickHouse, names: Names) -> list[tuple[Any, ...]]:
    """The same of a journal that is made now, of what the gateway's tables have now."""
    other = Names(f"{names.database}_fresh", names.gateway)
    await clickhouse.command(f"CREATE DATABASE {other.database}")
    try:
        for statement in ddl.statements(other):
            if statement.partition("CREATE TABLE")[2].lstrip().startswith(f"IF NOT EXISTS {other.database}.usage_"):
                await clickhouse.command(statement)
        await (await Collecting.begun(Journal(clickhouse, other))).look()
        return await books(clickhouse, other)
    finally:
        await clickhouse.command(f"DROP DATABASE {other.database}")


async def assert_as_fresh(clickhouse: ClickHouse, names: Names) -> None:
    """The journal equals a fresh collection, entry sums and fingerprints."""
    assert await books(clickhouse, names) == await fresh_books(clickhouse, names)
