"""Takes loads back: the rows that no other load holds leave the gateway's tables.

A kill at any moment leaves loads that are begun or leaving, and the next `settle` ends what was begun. A mutation that
the engine was in, it resumes by itself: the condition reads the records, which don't change until all of it is done.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from keyledger.embedded.load.batches import Batches, Step, check_batch, check_embedded
from keyledger.embedded.load.columns import columns_of
from keyledger.embedded.load.errors import LoadError
from keyledger.embedded.load.tables import Table
from keyledger.embedded.load.turn import in_turn
from projections.engine.client import ClickHouse
from projections.engine.templates import Names
from projections.usage.tables import TABLES

_TRIES: Final = 100
_TO_THE_END: Final[dict[str, str | int]] = {"mutations_sync": 1}


async def unload(clickhouse: ClickHouse, names: Names, batch: str) -> dict[str, int]:
    """Take a batch back; answers with the number of rows that left each table.

    Raises LoadError if it can't be, ClickHouseError.
    """
    check_batch(batch)
    check_embedded(clickhouse)

    async def work() -> dict[str, int]:
        await settle_now(clickhouse, names)
        batches = Batches(clickhouse, names)
        if why_not := await batches.why_not_back(batch):
            raise LoadError(why_not)
        return await _take_back(clickhouse, names, await batches.at(Step.LOADED, batch=batch))

    return await in_turn(work())


async def settle(clickhouse: ClickHouse, names: Names) -> None:
    """Take back what a kill left half-way. Call it at a start, before any bill."""
    await in_turn(settle_now(clickhouse, names))


async def settle_now(clickhouse: ClickHouse, names: Names) -> None:
    """The same for who has the turn."""
    if loads := await Batches(clickhouse, names).at(Step.BEGUN, Step.LEAVING):
        await _take_back(clickhouse, names, loads)


async def _take_back(clickhouse: ClickHouse, names: Names, loads: list[UUID]) -> dict[str, int]:
    batches = Batches(clickhouse, names)
    await batches.step(loads, Step.LEAVING)
    left = {}
    for name in TABLES:
        table = Table(names, name, tuple(await columns_of(clickhouse, names.gateway, name)))
        condition = table.is_one_of(table.sql("leaving"))
        if count := await _release(clickhouse, table, condition):
            await clickhouse.command(f"ALTER TABLE {table.target} DELETE WHERE {condition}", settings=_TO_THE_END)
            left[name] = count
    ids = ", ".join(f"'{one}'" for one in loads)
    forget = f"ALTER TABLE {names.gateway}.load_row_v1 DELETE WHERE load IN ({ids})"
    await clickhouse.command(forget, settings=_TO_THE_END)
    await batches.step(loads, Step.GONE)
    return left


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
