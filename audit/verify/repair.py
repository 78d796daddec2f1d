"""Rebuilds derived data that `verify` found wrong: ClickHouse's rows and current state. Never the log.

While the log itself has a finding, nothing is rebuilt from it. Other faults that can't be repaired here remain
findings: the hash of a secret exists only in its row, and rows of events that the log lost are the only trace of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from audit.errors import NotOwner
from audit.report import Finding
from audit.sources import AuditSources
from audit.verify import sql as audit_sql
from audit.verify.ledger import TABLES
from audit.verify.state import fold
from projections.engine import ddl
from projections.ledger.rows import applied_row, project
from registry.db.connection import begun, driver_of, translated
from registry.log.append.statement import write_states
from registry.log.append.writer import APPEND_LOCK
from registry.log.chain_walk import Linked

_STATE: Final = ("key_state", "admin_token", "price_state", "credential")
_CHUNK: Final = 1000


def of_the_log(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that forbid rebuilding anything."""
    return [one for one in findings if one.where == "event"]


async def repair_ledger(books: AuditSources, findings: Iterable[Finding]) -> int:
    """Rewrite the rows of the positions that differ; returns how many positions. Safe to repeat.

    Until it finishes, nothing from the first of them on is applied. Raises Busy, ClickHouseError.
    """
    positions = sorted({
        one.position for one in findings if one.where in TABLES and one.position and one.kind != "not_applied"
    })  # fmt: skip
    head = (await books.log.head()).position
    positions = [one for one in positions if 0 < one <= head]
    for first in range(0, len(positions), _CHUNK):
        await _rewrite(books, positions[first : first + _CHUNK])
    if positions:
        # A checkpoint may skip over rows that were wrong, so delete them all.
        await books.clickhouse.command(ddl.sql("queries/verify/repair_checkpoints", books.names))
        await books.store.reload_dictionary()
    return len(positions)


async def _rewrite(books: AuditSources, positions: Sequence[int]) -> None:
    linked = [await _linked(books, position) for position in positions]
    listed = ", ".join(map(str, positions))
    for table in reversed(TABLES):  # event_applied first: from then on no bill reads what is half repaired
        await books.clickhouse.command(
            ddl.sql("queries/verify/repair_delete", books.names, table=table, positions=listed)
        )
    log_id = str(books.log.log_id)
    rows = project(one.event for one in linked)
    await books.store.write(rows, [applied_row(log_id, one) for one in linked])


async def _linked(books: AuditSources, position: int) -> Linked:
    events = await books.log.read(max(0, position - 2), 2 if position > 1 else 1)
    return Linked(events[0].hash if position > 1 else books.log.genesis_hash, events[-1])


async def repair_state(owner: AsyncEngine, findings: Iterable[Finding]) -> int:
    """Rebuild the rows of the streams that differ, under the log's lock; returns how many streams.

    `owner` is a pool of the tables' owner: the application may not delete. Deletes rows that the log does not know,
    including secrets that are not in the log. Raises NotOwner, Busy.
    """
    streams = sorted({one.stream for one in findings if one.where in _STATE and one.stream is not None})
    for first in range(0, len(streams), _CHUNK):
        try:
            with translated(owner):
                async with begun(owner) as connection:
                    await _restate(connection, streams[first : first + _CHUNK])
        except asyncpg.InsufficientPrivilegeError as error:
            raise NotOwner from error
    return len(streams)


async def _restate(connection: AsyncConnection, streams: Sequence[str]) -> None:
    await connection.execute(text(f"SELECT pg_advisory_xact_lock({APPEND_LOCK})"))  # no append in between
    driver = await driver_of(connection)
    truths = await fold(driver, streams)
    public_ids = [one.removeprefix("key-") for one in streams]
    known = [id_ for truth in truths.values() for id_ in truth.commitments]
    gone = [stream for stream, truth in truths.items() if truth.state is None]
    await driver.execute(audit_sql.REPAIR_KEY_STATES, list(streams), public_ids)
    await driver.execute(audit_sql.REPAIR_CREDENTIALS, public_ids, known)
    await driver.execute(audit_sql.REPAIR_TOKENS, gone)
    await driver.execute(audit_sql.REPAIR_PRICES, list(streams), [one.removeprefix("price-") for one in streams])
    changed = {stream: truth.state for stream, truth in truths.items() if truth.state is not None}
    await write_states(driver, changed)
