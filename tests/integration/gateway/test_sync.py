"""The sync between two real databases: what the registry says of a key is in the gateway's table, whatever happens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from gateways.tensorzero.key_states import KeyStateReader
from gateways.tensorzero.key_table import WRITE_LOCK, GatewayTable
from gateways.tensorzero.rows import GatewayRow
from gateways.tensorzero.writer import Writer
from registry.db.connection import make_engine
from registry.errors import LogChanged
from registry.keys.commands import EditKey
from registry.keys.details import KeyDetails
from registry.keys.events import (
    CredentialRevoked,
    IssuedCredential,
    KeyResumed,
    KeyRotated,
    KeySuspended,
)
from registry.log import chain
from registry.service import KeyAnswer
from tests.support.gateway.key_table import everything, make_table
from tests.support.gateway.syncing import OPERATOR, QUICK, World, held, running
from tests.support.servers.databases import Database

EXPIRATION = datetime(2027, 5, 6, 7, 8, 9, 123_000, tzinfo=UTC)
SECRET_HASH = "d" * 64


def row_of(answer: KeyAnswer) -> GatewayRow:
    """What the gateway should have of a key's first credential, from what its caller was shown."""
    assert answer.api_key is not None
    key, secret = answer.key, answer.api_key.rpartition("-")[2]
    details = key.details
    hash_ = sha256(secret.encode()).hexdigest()
    return GatewayRow(
        key.public_id,
        details.organization,
        details.workspace,
        details.description,
        hash_,
        key.created_at,
        None,
        key.expiration,
    )


async def rotated(world: World, answer: KeyAnswer, new_id: str, *, expires_at: datetime) -> None:
    """Give a key a second credential."""
    issued = IssuedCredential(new_id, chain.commitment(SECRET_HASH))
    event = KeyRotated(issued, (answer.key.public_id,), expires_at, compromised=False)
    await world.append(answer.key.public_id, event, {new_id: SECRET_HASH})


async def test_what_happens_to_a_key_is_in_its_row_and_no_other_row_is_touched(world: World, gateway: Database) -> None:
    (foreign,) = await everything(gateway)
    async with running(world.sync()):
        made = await world.create(details=KeyDetails("Kasse 3 ☕", "acme", "shop"), expiration=EXPIRATION)
        public_id, row = made.key.public_id, row_of(made)
        assert await held(world, public_id) == row

        await world.keys.edit(public_id, EditKey(description="Kasse 4"), OPERATOR)
        assert await held(world, public_id) == replace(row, description="Kasse 4")

        await world.keys.edit(public_id, EditKey(expiration=EXPIRATION + timedelta(days=1)), OPERATOR)
        row = replace(row, description="Kasse 4", expires_at=EXPIRATION + timedelta(days=1))
        assert await held(world, public_id) == row

        suspended = await world.append(public_id, KeySuspended())
        assert await held(world, public_id) == replace(row, disabled_at=suspended.state.suspended_at)
        await world.append(public_id, KeyResumed())
        assert await held(world, public_id) == row

        await rotated(world, made, "Second000000", expires_at=EXPIRATION)
        assert await held(world, public_id) == replace(row, expires_at=EXPIRATION)
        second = replace(row, public_id="Second000000", hash=SECRET_HASH)
        assert replace(await held(world, "Second000000"), created_at=row.created_at) == second

        ended = await world.append(public_id, CredentialRevoked(public_id))
        at = ended.state.credentials[0].revoked_at
        assert await held(world, public_id) == replace(row, expires_at=EXPIRATION, disabled_at=at)
        assert (await held(world, "Second000000")).disabled_at is None

        revoked = await world.keys.revoke(public_id, OPERATOR)
        assert (await held(world, "Second000000")).disabled_at == revoked.key.revoked_at
        assert (await held(world, public_id)).disabled_at == at, "the earliest end stays"
    assert foreign in await everything(gateway)


async def test_a_restart_writes_nothing_that_is_there(world: World, gateway: Database) -> None:
    async with running(world.sync()):
        for number in range(8):
            await world.create(KeyDetails(str(number)))
        await world.synced()
    before = await everything(gateway)
    async with running(world.sync()):
        last = await world.create()
        await world.synced()
    after = await everything(gateway)
    assert [row for row in after if last.key.public_id not in row] == before
    assert len(after) == len(before) + 1
    assert (await world.checkpoint())["drift_repaired"] == 0


async def test_what_was_written_while_no_sync_ran_is_made_up_for(world: World) -> None:
    async with running(world.sync()):
        kept = [await world.create() for _ in range(10)]
        await world.synced()
    await world.keys.revoke(kept[0].key.public_id, OPERATOR)
    new = [await world.create() for _ in range(10)]
    async with running(world.sync()):
        assert (await held(world, kept[0].key.public_id)).disabled_at is not None
        rows = await world.table.read([one.key.public_id for one in [*kept[1:], *new]])
    assert rows == {one.key.public_id: row_of(one) for one in [*kept[1:], *new]}


async def test_a_key_that_is_enabled_in_the_gateway_is_disabled_again_and_counted(
    world: World, gateway: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    revoked, other = await world.create(), await world.create()
    await world.keys.revoke(revoked.key.public_id, OPERATOR)
    async with running(world.sync()), gateway.connect() as owner:
        before = await held(world, revoked.key.public_id)
        await owner.execute("UPDATE tensorzero_auth_api_key SET disabled_at = NULL WHERE hash = $1", before.hash)
        await world.until(drift_repaired=1)
        assert await held(world, revoked.key.public_id) == before
        await owner.execute("DELETE FROM tensorzero_auth_api_key WHERE hash = $1", row_of(other).hash)
        await world.until(drift_repaired=2)
        assert await held(world, other.key.public_id) == row_of(other)
        await owner.execute(
            "UPDATE tensorzero_auth_api_key SET hash = repeat('f', 64), description = 'mine' WHERE hash = $1",
            row_of(other).hash,
        )
        await world.until(drift_repaired=3)
        assert await held(world, other.key.public_id) == row_of(other)
    told = [one.getMessage() for one in caplog.records if "somebody else" in one.getMessage()]
    assert told == [
        f"the gateway's row of {revoked.key.public_id} was changed (disabled_at) by somebody else: it was restored",
        f"the gateway's row of {other.key.public_id} was removed by somebody else: it was restored",
        f"the gateway's row of {other.key.public_id} was changed (description, hash) by somebody else: it was restored",
    ]
    assert "f" * 64 not in caplog.text
    assert str(before.hash) not in caplog.text


async def test_a_key_that_the_sync_has_not_followed_yet_is_no_drift(world: World) -> None:
    """The comparison may see a change before the follower does."""
    async with running(world.sync(replace(QUICK, page_s=0.0))):
        for _ in range(40):
            made = await world.create()
            await world.keys.revoke(made.key.public_id, OPERATOR)
        await world.synced()
    assert (await world.checkpoint())["drift_repaired"] == 0


async def test_a_table_that_is_not_there_is_waited_for_and_shown(bare_gateway: Database, world: World) -> None:
    async with bare_gateway.connect() as owner:
        await owner.execute("DROP TABLE tensorzero_auth_api_key")
    made = await world.create()
    async with running(world.sync()) as sync:
        await world.until(failure="run the gateway's own migrations")
        assert sync.failure is None
        await make_table(bare_gateway)
        assert await held(world, made.key.public_id) == row_of(made)
        await world.until(failure=None)


async def test_another_table_is_filled_whole(world: World, gateway: Database) -> None:
    """As when the setting names another database, or the gateway's was restored: the checkpoint is not of it."""
    made = [await world.create() for _ in range(10)]
    async with running(world.sync()):
        await world.synced()
    async with gateway.connect() as owner:
        await owner.execute("DROP TABLE tensorzero_auth_api_key")
    await make_table(gateway)
    async with running(world.sync()):
        await world.until(target=await world.table.check())
        assert await world.table.read([one.key.public_id for one in made]) == {
            one.key.public_id: row_of(one) for one in made
        }
    assert (await world.checkpoint())["drift_repaired"] == 0


async def test_the_sync_stops_at_another_log(world: World, database: Database) -> None:
    """A log that lost its tail, or another one: a key that was revoked there must not come back here."""
    made = await world.create()
    async with running(world.sync()):
        await world.synced()
    async with database.connect() as owner:
        await owner.execute("UPDATE keyledger.gateway_sync SET hash = '\\x00'")
    sync = world.sync()
    with pytest.raises(LogChanged, match="the gateway's table of keys is at position 1 of another log"):
        await sync.run()
    assert isinstance(sync.failure, LogChanged)
    assert "of another log" in (await world.checkpoint())["failure"]
    assert (await world.table.read([made.key.public_id])) == {made.key.public_id: row_of(made)}


async def test_a_standby_takes_over(world: World) -> None:
    one, other = world.sync(), world.sync()
    async with running(other):
        async with running(one):
            await world.synced()
            made = await world.create()
            await world.synced()
            assert sorted([one.leads, other.leads]) == [False, True]
        await world.keys.revoke(made.key.public_id, OPERATOR)
        assert (await held(world, made.key.public_id)).disabled_at is not None
        assert other.leads


async def test_the_state_is_read_after_the_writer_s_turn_has_come(world: World, gateway: Database) -> None:
    """Else a sync that lost its lead while it waited would write what it had read before a revocation."""
    made = await world.create()
    source = KeyStateReader(world.engine)
    writer = Writer(source, world.table)
    async with gateway.connect() as owner:
        async with owner.transaction():
            await owner.execute(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")
            writing = asyncio.create_task(writer.write([f"key-{made.key.public_id}"]))
            await _waiting(owner)
            revoked = await world.keys.revoke(made.key.public_id, OPERATOR)
        await writing
    await source.close()
    row = (await world.table.read([made.key.public_id]))[made.key.public_id]
    assert row == replace(row_of(made), disabled_at=revoked.key.revoked_at)


WAITING = """
SELECT count(*)
FROM pg_locks
WHERE locktype = 'advisory' AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def _waiting(owner: Any) -> None:
    """Return when somebody waits for the lock."""
    async with asyncio.timeout(10):
        while not await owner.fetchval(WAITING):  # noqa: ASYNC110 - the lock is in the database
            await asyncio.sleep(0.01)


async def test_a_server_that_ends_every_session_is_come_back_to(
    world: World, gateway: Database, database: Database
) -> None:
    """Both databases: the connection that holds the lead, and those to the gateway."""
    async with running(world.sync()), gateway.connect() as owner, database.connect() as log_owner:
        for ended in (owner, log_owner):
            await world.synced()
            await ended.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            await world.engine.dispose()
            made = await _patiently_create(world)
            assert await held(world, made.key.public_id) == row_of(made)


async def _patiently_create(world: World) -> KeyAnswer:
    for _ in range(50):
        try:
            return await world.create()
        except Exception:  # noqa: BLE001 - the registry itself lost its session, too, and says so once
            await asyncio.sleep(0.05)
    raise AssertionError("the registry did not come back")


async def test_a_gateway_that_does_not_answer_is_given_up_and_come_back_to(
    world: World, gateway: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a machine that vanished: no connection ends, and nothing comes."""
    monkeypatch.setattr("gateways.tensorzero.key_table._ANSWER_S", 0.5)
    async with frozen_at_will(gateway) as (front, reached):
        engine = make_engine(reached.app_url)
        world.table = GatewayTable(engine)
        made = await world.create()
        async with running(world.sync()):
            await world.synced()
            front.clear()
            await world.keys.revoke(made.key.public_id, OPERATOR)
            await world.until(failure="no answer in time")
            front.set()
            assert (await held(world, made.key.public_id)).disabled_at is not None
        await engine.dispose()


@asynccontextmanager
async def frozen_at_will(database: Database) -> AsyncIterator[tuple[asyncio.Event, Database]]:
    """The database by URLs that lead through a front, which passes on while the event is set."""
    passing = asyncio.Event()
    passing.set()
    url = make_url(database.app_url)

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while received := await reader.read(65_536):
                await passing.wait()
                writer.write(received)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(url.host, url.port)
        await asyncio.gather(pipe(reader, to_server), pipe(from_server, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    urls = (make_url(one).set(host="127.0.0.1", port=port) for one in (database.owner_url, database.app_url))
    try:
        yield passing, Database(*(one.render_as_string(hide_password=False) for one in urls))
    finally:
        passing.set()
        server.close()


async def test_a_credential_without_a_hash_is_counted_and_not_written(
    world: World, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    made = await world.create()
    async with database.connect() as owner:
        await owner.execute("UPDATE keyledger.credential SET secret_hash = NULL")
    async with running(world.sync()):
        await world.until(without_hash=1)
    assert await world.table.read([made.key.public_id]) == {}
    assert "1 credentials have no hash here" in caplog.text
    assert (await world.checkpoint())["drift_repaired"] == 0


async def test_a_large_table_without_the_index_is_noticed(world: World, gateway: Database) -> None:
    async with running(world.sync()):
        await world.until(index_missing=False)
    async with gateway.connect() as owner:
        await owner.execute(
            "INSERT INTO tensorzero_auth_api_key (organization, workspace, public_id, hash)"
            " SELECT 'default', 'default', lpad(n::text, 12, '0'), md5(n::text) FROM generate_series(1, 1001) AS n"
        )
        async with running(world.sync()):
            await world.until(index_missing=True)
            await owner.execute("CREATE INDEX ON tensorzero_auth_api_key ((public_id::text))")
            await world.until(index_missing=False)
