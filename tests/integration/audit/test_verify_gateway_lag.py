"""What a sync has only not brought to the gateway's table yet is no finding; nor what changes while one looks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.report import Finding
from audit.verify.bookmark import Bookmark
from audit.verify.verify import verify
from gateways.tensorzero.append_hook import KeyTableHook
from gateways.tensorzero.key_table import Compared, GatewayTable
from gateways.tensorzero.rows import GatewayRow
from registry.keys.commands import EditKey
from registry.log.log_position import position_in
from registry.log.postgres import PostgresEventLog, open_log
from tests.support.audit.books_world import Tampered
from tests.support.audit.gateway_world import TABLE, Kept, keep
from tests.support.gateway.key_table import make_table
from tests.support.gateway.syncing import OPERATOR, running
from tests.support.ledger.workload import fill
from tests.support.servers.copies import Copies

REPAIR = "keyledger audit verify --repair"
SWAPPED = "f" * 64
AWAY = "postgresql+asyncpg://a:b@127.0.0.1:1/gateway"


async def test_what_is_only_not_synced_is_waited_for(apart: Kept) -> None:
    made = await apart.world.create()
    await apart.world.keys.revoke(made.key.public_id, OPERATOR)
    await apart.project()
    looking = asyncio.create_task(apart.findings(wait_s=30))
    async with running(apart.world.sync()):
        assert await looking == []


async def test_what_no_sync_brings_is_told_once_as_not_applied_and_is_not_repaired(apart: Kept) -> None:
    head = (await apart.world.log.head()).position
    for _ in range(3):
        made = await apart.world.create()
        await apart.world.keys.revoke(made.key.public_id, OPERATOR)
    await apart.project()
    before = await apart.rows()
    findings = await apart.findings()
    assert [(one.kind, one.where, one.position, one.stream) for one in findings] == [
        ("not_applied", TABLE, head + 1, None)
    ]
    assert await apart.repair(findings) == 0
    assert await apart.rows() == before
    await apart.bring()
    assert await apart.findings() == []


async def test_what_changes_no_row_needs_no_sync(apart: Kept) -> None:
    key = await apart.revoked()
    edit = EditKey(tags={"a": "b"}, effective_at=key.created_at, reason="r", may_backdate=True)
    await apart.world.keys.edit(key.public_id, edit, OPERATOR)
    await apart.project()
    assert await apart.findings() == []


async def test_a_real_difference_is_found_beside_lag(apart: Kept) -> None:
    key = await apart.revoked()
    await apart.world.create()
    await apart.project()
    await apart.sql(f"UPDATE {TABLE} SET disabled_at = NULL WHERE public_id = $1", key.public_id)
    found = {(one.kind, one.stream) for one in await apart.findings()}
    assert found == {("changed", f"key-{key.public_id}"), ("not_applied", None)}


@dataclass
class Overtaken(GatewayTable):
    """A table that something happens to just before it is read, or just after, once."""

    table: GatewayTable
    happen: Callable[[], Awaitable[object]] | None
    before: bool

    def __post_init__(self) -> None:
        super().__init__(self.table.engine, self.table.schema)

    async def compared(self, rows: Sequence[GatewayRow]) -> dict[str, Compared]:
        happen, self.happen = self.happen, None
        if happen is not None and self.before:
            await happen()
        found = await super().compared(rows)
        if happen is not None and not self.before:
            await happen()
        return found


async def findings_when(kept: Kept, happen: Callable[[], Awaitable[object]], *, before: bool) -> list[Finding]:
    """What an audit finds when something happens to the table as it is read."""
    gateway = kept.tampered.books.gateway
    assert gateway is not None
    table = Overtaken(gateway.table, happen, before)
    books = replace(kept.tampered.books, gateway=replace(gateway, table=table))
    found = [one async for one in verify(books, wait_s=5) if isinstance(one, Finding)]
    assert table.happen is None
    return found


@pytest.mark.parametrize("kept", ["own", "shared"], indirect=True)
async def test_a_key_that_changes_between_the_two_reads_is_no_finding(kept: Kept) -> None:
    """The row is newer than the events that were read before it."""
    key = (await kept.world.create()).key
    await kept.bring()

    async def end() -> None:
        await kept.world.keys.revoke(key.public_id, OPERATOR)
        await kept.bring()

    assert await findings_when(kept, end, before=True) == []


async def test_what_the_sync_brings_just_after_the_table_was_read_is_no_finding(apart: Kept) -> None:
    """What counts is how far the sync was before that."""
    key = (await apart.world.create()).key
    await apart.bring()
    await apart.world.keys.revoke(key.public_id, OPERATOR)
    await apart.project()
    assert await findings_when(apart, apart.bring, before=False) == []


async def nothing_found_while_writing(kept: Kept, log: PostgresEventLog) -> None:
    """Compare the gateway's table again and again until the writes end; the ledger is left out: no projector runs."""
    log_is_checked = Bookmark(await position_in(log, (await log.head()).position), "", 0).text()
    writing = asyncio.create_task(fill(log, seed=9, count=60))
    runs = 0
    while not writing.done():
        parts = [one async for one in verify(kept.tampered.books, log_is_checked, wait_s=5)]
        assert [one for one in parts if isinstance(one, Finding)] == []
        runs += 1
    await writing
    assert runs > 0


async def test_nothing_is_found_while_writes_go_on(apart: Kept) -> None:
    async with running(apart.world.sync()):
        await nothing_found_while_writing(apart, apart.world.log)
        await apart.world.synced()
    await apart.project()
    assert await apart.findings() == []


async def test_in_a_shared_database_nothing_is_found_while_writes_go_on_though_no_sync_runs(
    small_books: Tampered, postgres_log: PostgresEventLog, engine: AsyncEngine, blank: Copies
) -> None:
    async with keep(small_books, postgres_log, engine, blank, shared=True) as kept:
        log = await open_log(engine, append_hook=KeyTableHook("public"))
        await nothing_found_while_writing(kept, log)
        await log.close()
        await kept.project()
        assert await kept.findings() == []


async def test_a_table_that_was_made_anew_is_not_yet_synced(apart: Kept) -> None:
    """The checkpoint is of the one before: every row lacks, and the sync will write them."""
    await apart.sql(f"DROP TABLE {TABLE}")
    await make_table(apart.gateway)
    findings = await apart.findings()
    assert [(one.kind, one.where, one.position) for one in findings] == [("not_applied", TABLE, 1)]
    await apart.bring()
    assert await apart.findings() == []
