"""Somebody else holds a row of the gateway's table, or changes the table: other keys go on, and it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from keyledger.runtime.gateway import embedded_gateway
from tests.support.gateway.key_table import make_table
from tests.support.gateway.rules import check
from tests.support.gateway.syncing import OPERATOR, World, held, running
from tests.support.servers.databases import Database

BREAK = "ALTER TABLE tensorzero_auth_api_key ADD COLUMN new_thing TEXT NOT NULL DEFAULT ''"
MORE = "ALTER TABLE tensorzero_auth_api_key ALTER COLUMN new_thing DROP DEFAULT"
MEND = "ALTER TABLE tensorzero_auth_api_key DROP COLUMN new_thing"


@asynccontextmanager
async def locked(gateway: Database, public_id: str) -> AsyncIterator[None]:
    """Somebody's transaction that has a key's row."""
    async with gateway.connect() as owner, owner.transaction():
        await owner.execute("SELECT 1 FROM tensorzero_auth_api_key WHERE public_id = $1 FOR UPDATE", public_id)
        yield


async def test_a_lock_on_one_key_s_row_keeps_no_other_key_alive(world: World, gateway: Database) -> None:
    stuck, ended = await world.create(), await world.create()
    assert stuck.api_key is not None
    assert ended.api_key is not None
    async with running(world.sync()), gateway.connect() as driver:
        await held(world, ended.key.public_id)
        async with locked(gateway, stuck.key.public_id):
            await world.keys.revoke(stuck.key.public_id, OPERATOR)
            await world.keys.revoke(ended.key.public_id, OPERATOR)
            await world.until(failure="is locked by another session there")
            while await check(driver, ended.api_key) != "disabled":
                await world.until(failure="is locked by another session there")
            assert await check(driver, stuck.api_key) == "valid"
        await world.synced()
        assert await check(driver, stuck.api_key) == "disabled"
        await world.until(failure=None)


async def test_a_table_that_changes_below_the_sync_is_told_until_it_is_mended(world: World, gateway: Database) -> None:
    made = await world.create()
    async with running(world.sync()), gateway.connect() as owner:
        await held(world, made.key.public_id)
        await owner.execute(BREAK)
        await owner.execute(MORE)
        await world.until(failure="new_thing is required, and unknown to this version")
        await owner.execute(MEND)
        await world.until(failure=None)


async def test_a_folder_whose_table_is_unfit_opens_all_the_same(database: Database) -> None:
    """PostgreSQL must run for anybody to mend it."""
    await make_table(database)
    async with database.connect() as owner:
        await owner.execute(BREAK)
        await owner.execute(MORE)
    place = await embedded_gateway(database.owner_url, database.app_url, make=False)
    assert place is not None
    assert place.url == database.app_url
