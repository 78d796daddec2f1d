"""The gateway's table on a real server: what differs is written, what does not is not touched, faults have names."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.errors import (
    GatewayNotAllowed,
    GatewayRefused,
    GatewayTableAbsent,
    GatewayTableUnfit,
)
from gateways.tensorzero.key_table import GatewayTable, RowChange
from gateways.tensorzero.rows import GatewayRow
from gateways.tensorzero.setup import INDEX, create_index, create_table, index_missing
from registry.db.connection import make_engine
from tests.support.gateway.key_table import everything, make_table
from tests.support.servers.databases import Database, Server

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
ONE = GatewayRow("Our000000001", "default", "default", None, "a" * 64, NOON, None, None)
TWO = GatewayRow("Our000000002", "acme", "shop", "zweiter ☕", "b" * 64, NOON, NOON, LATER)


async def write(table: GatewayTable, *rows: GatewayRow) -> list[RowChange]:
    """Write rows in a transaction of their own."""
    async with table.writing() as upsert:
        return await upsert(rows)


async def test_new_rows_are_written_and_read_back(table: GatewayTable) -> None:
    changes = await write(table, ONE, TWO)
    assert [(one.public_id, one.is_new, one.is_left_out) for one in changes] == [
        (ONE.public_id, True, False),
        (TWO.public_id, True, False),
    ]
    assert await table.read([ONE.public_id, TWO.public_id, "Absent000000"]) == {ONE.public_id: ONE, TWO.public_id: TWO}


async def test_the_same_rows_again_write_nothing_at_all(table: GatewayTable, gateway: Database) -> None:
    """Not even a lock on a row: the transaction of each row, and its updated_at, stay."""
    await write(table, ONE, TWO)
    before = await everything(gateway)
    assert await write(table, ONE, TWO) == []
    assert await table.differences([ONE, TWO]) == []
    assert await everything(gateway) == before
    assert [row[0] for row in before if row[6] == "Foreign00001"]


@pytest.mark.parametrize(
    ("changed", "columns"),
    [
        ({"description": "x"}, ("description",)),
        ({"organization": "o", "workspace": "w"}, ("organization", "workspace")),
        ({"hash": "c" * 64}, ("hash",)),
        ({"disabled_at": LATER}, ("disabled_at",)),
        ({"expires_at": LATER, "created_at": LATER}, ("created_at", "expires_at")),
    ],
)
async def test_a_row_that_differs_is_written_alone(
    table: GatewayTable, gateway: Database, changed: dict[str, Any], columns: tuple[str, ...]
) -> None:
    await write(table, ONE, TWO)
    before = await everything(gateway)
    wanted = replace(ONE, **changed)
    assert await table.differences([wanted, TWO]) == [RowChange(ONE.public_id, False, False, columns)]
    assert await everything(gateway) == before
    assert await write(table, wanted, TWO) == [RowChange(ONE.public_id, False, False, columns)]
    assert await table.read([ONE.public_id]) == {ONE.public_id: wanted}
    after = await everything(gateway)
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]
    assert after[1][2] == before[1][2], "the row keeps its id"


async def test_what_the_gateway_wrote_below_the_millisecond_is_no_difference(
    table: GatewayTable, gateway: Database
) -> None:
    """An imported key is known by the millisecond: taking it over must not rewrite its row."""
    await write(table, ONE, TWO)
    async with gateway.connect() as owner:
        await owner.execute(
            "UPDATE tensorzero_auth_api_key SET created_at = created_at + '999 us', expires_at = expires_at + '1 us',"
            " disabled_at = disabled_at + '1 us' WHERE public_id LIKE 'Our%'"
        )
    assert await write(table, ONE, TWO) == []


async def test_an_infinite_end_is_a_difference_and_is_mended(table: GatewayTable, gateway: Database) -> None:
    await write(table, ONE)
    async with gateway.connect() as owner:
        await owner.execute("UPDATE tensorzero_auth_api_key SET expires_at = 'infinity' WHERE public_id LIKE 'Our%'")
    assert await write(table, ONE) == [RowChange(ONE.public_id, False, False, ("expires_at",))]


async def test_a_credential_without_a_hash_is_not_made_but_ended(table: GatewayTable) -> None:
    """Restored from an archive without hashes: the gateway may still have the row, and must refuse it after the end."""
    unknown = replace(ONE, hash=None)
    (left_out,) = await write(table, unknown)
    assert left_out.is_left_out
    assert await table.read([ONE.public_id]) == {}
    await write(table, ONE)
    assert await write(table, unknown) == []
    assert await write(table, replace(unknown, disabled_at=LATER)) == [
        RowChange(ONE.public_id, False, True, ("disabled_at",))
    ]
    assert await table.read([ONE.public_id]) == {ONE.public_id: replace(ONE, disabled_at=LATER)}


async def test_a_writer_waits_for_the_one_before(table: GatewayTable) -> None:
    """So who reads the state within its turn never writes an older one over a newer one."""
    order: list[str] = []

    async def second() -> None:
        async with table.writing() as upsert:
            order.append("second begins")
            await upsert([replace(ONE, description="newer")])

    async with table.writing() as upsert:
        task = asyncio.create_task(second())
        await upsert([replace(ONE, description="older")])
        done, _ = await asyncio.wait({task}, timeout=0.2)
        assert not done
        order.append("first ends")
    await task
    assert order == ["first ends", "second begins"]
    assert (await table.read([ONE.public_id]))[ONE.public_id].description == "newer"


async def test_what_fails_in_a_turn_leaves_nothing(table: GatewayTable) -> None:
    async def fail() -> None:
        async with table.writing() as upsert:
            await upsert([ONE])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await table.read([ONE.public_id]) == {}


async def test_an_absent_table_is_named_with_both_ways_to_get_it(
    bare_gateway: Database, gateway_engine: AsyncEngine
) -> None:
    absent = GatewayTable(gateway_engine)
    for asked in (absent.check(), absent.read(["x"]), absent.differences([ONE]), write(absent, ONE)):
        with pytest.raises(
            GatewayTableAbsent, match=r"--run-postgres-migrations.*keyledger project gateway --create-table"
        ):
            await asked
    assert bare_gateway


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP COLUMN expires_at", "it has no column expires_at"),
        ("ALTER COLUMN public_id TYPE text", r"public_id is text, not character\(12\)"),
        ("ALTER COLUMN disabled_at TYPE timestamp", "disabled_at is timestamp without time zone"),
        ("ADD COLUMN region text NOT NULL", "region is required, and unknown to this version"),
        ("DROP CONSTRAINT uniq_public_id", "public_id is not unique"),
    ],
)
async def test_a_table_that_another_version_made_is_refused_by_column(
    table: GatewayTable, gateway: Database, statement: str, words: str
) -> None:
    if statement.startswith("ADD"):
        statement = f"{statement} DEFAULT ''; ALTER TABLE tensorzero_auth_api_key ALTER region DROP DEFAULT"
    async with gateway.connect() as owner:
        await owner.execute(f"ALTER TABLE tensorzero_auth_api_key {statement}")
    with pytest.raises(GatewayTableUnfit, match=words):
        await table.check()


async def test_a_column_that_is_lost_while_it_runs_is_a_refusal_without_values(
    table: GatewayTable, gateway: Database
) -> None:
    async with gateway.connect() as owner:
        await owner.execute("ALTER TABLE tensorzero_auth_api_key DROP COLUMN expires_at")
    with pytest.raises(GatewayTableUnfit, match="42703") as caught:
        await write(table, ONE)
    assert "a" * 64 not in str(caught.value)


async def test_a_missing_right_is_named_with_the_grant(bare_gateway: Database, gateway_engine: AsyncEngine) -> None:
    owner = make_engine(bare_gateway.owner_url)
    await create_table(owner, "public")
    await owner.dispose()
    for asked in (GatewayTable(gateway_engine).check(), write(GatewayTable(gateway_engine), ONE)):
        with pytest.raises(GatewayNotAllowed, match="GRANT USAGE ON SCHEMA public, SELECT, INSERT, UPDATE ON"):
            await asked


async def test_making_the_table_again_changes_nothing_and_another_schema_has_its_own(
    table: GatewayTable, gateway: Database, gateway_engine: AsyncEngine
) -> None:
    await write(table, ONE)
    identity = await table.check()
    await make_table(gateway)
    assert await table.check() == identity
    async with gateway.connect() as owner:
        await owner.execute('CREATE SCHEMA "Other"')
    await make_table(gateway, "Other")
    other = GatewayTable(gateway_engine, "Other")
    assert await other.check() != identity
    assert await other.read([ONE.public_id]) == {}


async def test_the_index_is_missing_until_it_is_made_and_then_serves_the_gateway_s_look_up(
    gateway: Database, gateway_engine: AsyncEngine, table: GatewayTable
) -> None:
    async with gateway.connect() as owner:
        await owner.execute(
            "INSERT INTO tensorzero_auth_api_key (organization, workspace, public_id, hash)"
            " SELECT 'default', 'default', lpad(n::text, 12, '0'), md5(n::text) FROM generate_series(1, 5000) AS n"
        )
        look_up = "EXPLAIN SELECT 1 FROM tensorzero_auth_api_key WHERE public_id = $1::text AND hash = $2::text"
        assert await table.is_large()
        assert await index_missing(gateway_engine, "public")
        before = "\n".join(row[0] for row in await owner.fetch(look_up, "1", "2"))
        assert "Seq Scan" in before
        engine = make_engine(gateway.owner_url)
        await create_index(engine, "public")
        await create_index(engine, "public")
        await engine.dispose()
        assert not await index_missing(gateway_engine, "public")
        await table.check()
        await owner.execute("ANALYZE tensorzero_auth_api_key")
        after = "\n".join(row[0] for row in await owner.fetch(look_up, "1", "2"))
        assert INDEX in after


async def test_an_index_on_the_hash_that_somebody_made_serves_too(
    gateway: Database, gateway_engine: AsyncEngine
) -> None:
    async with gateway.connect() as owner:
        await owner.execute("CREATE INDEX theirs ON tensorzero_auth_api_key (hash)")
        assert not await index_missing(gateway_engine, "public")
        await owner.execute("DROP INDEX theirs")
        await owner.execute("CREATE INDEX theirs ON tensorzero_auth_api_key (hash) WHERE disabled_at IS NULL")
        assert await index_missing(gateway_engine, "public")


async def test_an_index_that_a_broken_build_left_is_missing_and_is_made_anew(
    gateway: Database, gateway_engine: AsyncEngine
) -> None:
    """PostgreSQL leaves it there INVALID: it serves no look-up, and IF NOT EXISTS alone would be content with it."""
    async with gateway.connect() as owner, gateway.connect() as holder:
        # A build that waits for an older transaction, and is broken off.
        transaction = holder.transaction()
        await transaction.start()
        await holder.execute("LOCK TABLE tensorzero_auth_api_key IN ROW EXCLUSIVE MODE")
        await owner.execute("SET lock_timeout = '100ms'")
        with pytest.raises(Exception, match="lock timeout"):
            await owner.execute(f"CREATE INDEX CONCURRENTLY {INDEX} ON tensorzero_auth_api_key ((public_id::text))")
        await transaction.rollback()
        assert await owner.fetchval(f"SELECT NOT indisvalid FROM pg_index WHERE indexrelid = '{INDEX}'::regclass")
    assert await index_missing(gateway_engine, "public")
    engine = make_engine(gateway.owner_url)
    await create_index(engine, "public")
    await engine.dispose()
    assert not await index_missing(gateway_engine, "public")


async def test_an_index_that_is_being_built_is_waited_for_by_the_operator(
    gateway: Database, gateway_engine: AsyncEngine
) -> None:
    """It is not valid yet, and no leftover: dropping it would be work lost."""
    engine = make_engine(gateway.owner_url)
    async with gateway.connect() as owner, gateway.connect() as holder:
        transaction = holder.transaction()
        await transaction.start()
        await holder.execute("LOCK TABLE tensorzero_auth_api_key IN ROW EXCLUSIVE MODE")
        building = asyncio.create_task(create_index(engine, "public"))
        async with asyncio.timeout(10):
            while not await owner.fetchval(  # noqa: ASYNC110 - it is built in the database
                "SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database()"
            ):
                await asyncio.sleep(0.01)
        with pytest.raises(GatewayRefused, match="is being built by another session"):
            await create_index(engine, "public")
        await transaction.rollback()
        await building
    await engine.dispose()
    assert not await index_missing(gateway_engine, "public")


async def test_a_database_that_has_not_every_character_is_refused(server: Server, bare_gateway: Database) -> None:
    """Else the first description that it can't hold would stop every other key."""
    name = f"{bare_gateway.name}_latin"
    await server.run(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    latin = server.database(name)
    await make_table(latin)
    engine = make_engine(latin.owner_url)
    with pytest.raises(GatewayTableUnfit, match="encoding is LATIN1"):
        await GatewayTable(engine).check()
    await engine.dispose()
    await server.drop(latin)


async def test_another_index_of_our_name_is_told_of(gateway: Database) -> None:
    async with gateway.connect() as owner:
        await owner.execute(f"CREATE INDEX {INDEX} ON tensorzero_auth_api_key (created_at)")
    engine = make_engine(gateway.owner_url)
    with pytest.raises(GatewayRefused, match="does not serve"):
        await create_index(engine, "public")
    await engine.dispose()


async def test_who_does_not_own_the_table_is_told_what_its_owner_must_run(
    table: GatewayTable, gateway_engine: AsyncEngine
) -> None:
    await table.check()
    with pytest.raises(GatewayNotAllowed, match=r"CREATE INDEX CONCURRENTLY .* \(\(public_id::text\)\)$"):
        await create_index(gateway_engine, "public")
