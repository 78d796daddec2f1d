"""Takes loads back: the rows that no other load holds leave the gateway's tables.

First the rows leave the tables, then the usage journal notes those that it had, and last the records go by which both
know the rows. A kill at any moment leaves loads that are begun or leaving, and the next `settle` ends what was begun. A
mutation that the engine was in, it resumes by itself: the condition reads the records, which don't change until all of
it is done.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from keyledger.embedded.load.batches import Batches, Engine, Step, check_batch, check_embedded
from keyledger.embedded.load.columns import columns_of
from keyledger.embedded.load.errors import LoadError
from keyledger.embedded.load.tables import Table
from keyledger.embedded.load.turn import in_turn
from projections.engine.client import ClickHouse
from projections.engine.templates import sql
from projections.usage.journal.collecting import Collecting
from projections.usage.tables import TABLES

_TRIES: Final = 100
# What the usage journal calls the rows of each table.
_KINDS: Final = {
    "inference": ("ChatInference", "JsonInference"),
    "model": ("ModelInference",),
    "batch": ("BatchIdByInferenceId",),
}
_TO_THE_END: Final[dict[str, str | int]] = {"mutations_sync": 1}


async def unload(engine: Engine, batch: str) -> dict[str, int]:
    """Take a batch back; answers with the number of rows that left each table, when the usage journal says so, too.

    Raises LoadError if it can't be, NotCollected, ClickHouseError.
    """
    check_batch(batch)
    check_embedded(engine.clickhouse)

    async def work() -> dict[str, int]:
        await settle_now(engine)
        batches = Batches(engine.clickhouse, engine.names)
        if why_not := await batches.why_not_back(batch):
            raise LoadError(why_not)
        return await _take_back(engine, await batches.at(Step.LOADED, batch=batch))

    return await in_turn(work())


async def settle(engine: Engine) -> None:
    """Take back what a kill left half-way. Call it at a start, before any bill."""
    await in_turn(settle_now(engine))


async def settle_now(engine: Engine) -> None:
    """The same for who has the turn."""
    if loads := await Batches(engine.clickhouse, engine.names).at(Step.BEGUN, Step.LEAVING):
        await _take_back(engine, loads)


async def _take_back(engine: Engine, loads: list[UUID]) -> dict[str, int]:
    """While nothing is collected: else rows could be taken after they were noted as gone."""
    batches = Batches(engine.clickhouse, engine.names)

    async def work(collecting: Collecting) -> dict[str, int]:
        await batches.step(loads, Step.LEAVING)
        left = {name: count for name in TABLES if (count := await _remove(engine, name))}
        for kind, tables in _KINDS.items():
            leaving = (sql("queries/load/leaving", engine.names, table=table) for table in tables)
            await collecting.write_off(kind, f"SELECT id FROM ({' UNION ALL '.join(leaving)})")  # noqa: S608 - our own SQL
        return left

    left = await engine.books.between(work)
    ids = ", ".join(f"'{one}'" for one in loads)
    forget = f"ALTER TABLE {engine.names.gateway}.load_row_v1 DELETE WHERE load IN ({ids})"
    await engine.clickhouse.command(forget, settings=_TO_THE_END)
    await batches.step(loads, Step.GONE)
    return left


async def _remove(engine: Engine, name: str) -> int:
    """Remove the rows of a table that leave; how many."""
    clickhouse, names = engine.clickhouse, engine.names
    table = Table(names, name, tuple(await columns_of(clickhouse, names.gateway, name)))
    condition = table.is_one_of(table.sql("leaving"))
    if count := await _release(clickhouse, table, condition):
        await clickhouse.command(f"ALTER TABLE {table.target} DELETE WHERE {condition}", settings=_TO_THE_END)
    return count


async def _release(clickhouse: ClickHouse, table: Table, condition: str) -> int:
    """Say which blocks vanish when the rows leave; how many rows do. Merges go on, so parts may change meanwhile."""
    parameters = {"gateway": table.names.gateway, "table": table.name}
    statement = table.sql("leaving_by_part", condition=condition)
    settings = {"join_use_nulls": 1}
    for _ in range(_TRIES):
        parts = await clickhouse.query(statement, parameters, settings)
        if all(rows is not None for _, _, rows, *_ in parts):
            break
    else:
        raise LoadError(f"the parts of {table.target} change too fast: try again")
    emptied: list[tuple[Any, ...]] = [
        (table.name, uuid, partition, [(first, last)])
        for _, leaving, rows, uuid, partition, first, last in parts
        if leaving == rows
    ]
    columns = ("table", "uuid", "partition", "blocks")
    await clickhouse.insert(f"{table.names.database}.gateway_blocks_released_v1", emptied, columns)
    return sum(leaving for _, leaving, *_ in parts)
