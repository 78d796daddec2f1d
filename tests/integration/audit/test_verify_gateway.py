"""Whoever touches a gateway's table of keys is found by row and column, and undone; lag and others' rows are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from audit.report import Finding, Verdict
from audit.sources import AuditedGateway
from audit.verify.repair_gateway import beyond_repair
from audit.verify.verify import verify
from gateways.tensorzero.key_table import GatewayTable
from registry.db.connection import make_engine
from registry.progress import Progress
from tests.support.audit.books_world import Tampered
from tests.support.audit.gateway_world import TABLE, Kept
from tests.support.servers.databases import Database

REPAIR = "keyledger audit verify --repair"
SWAPPED = "f" * 64
AWAY = "postgresql+asyncpg://a:b@127.0.0.1:1/gateway"


def changed(public_id: str, columns: str, position: int, fix: str = REPAIR) -> Finding:
    detail = f"the row of the credential {public_id} is not what the log gives: {columns}"
    return Finding("changed", TABLE, detail, fix, position, f"key-{public_id}")


@pytest.mark.parametrize("kept", ["own", "shared"], indirect=True)
async def test_healthy_books_have_no_finding_and_nothing_is_written(kept: Kept) -> None:
    before = await kept.rows()
    told = [one async for one in verify(kept.tampered.books, wait_s=0.2)]
    assert [one for one in told if isinstance(one, Finding)] == []
    (credentials,) = await kept.tampered.sql("SELECT count(*) FROM keyledger.credential")
    verdict = told[-1]
    assert isinstance(verdict, Verdict)
    assert verdict.gateway_rows == credentials[0] == len(before) - 1 >= 10
    assert [one.stage for one in told if isinstance(one, Progress)] == ["log and ledger", "state and gateway"]
    assert await kept.rows() == before


async def test_without_a_gateway_there_is_no_word_of_one(small_books: Tampered) -> None:
    told = [one async for one in verify(small_books.books, wait_s=0.2)]
    assert "gateway" not in "".join(one.stage for one in told if isinstance(one, Progress))
    assert isinstance(told[-1], Verdict)
    assert told[-1].gateway_rows is None


CHANGES = [
    ("organization = 'mallory'", "organization"),
    ("description = NULL", "description"),
    ("created_at = '294000-01-01'", "created_at"),
    ("disabled_at = NULL", "disabled_at"),
    ("expires_at = 'infinity'", "expires_at"),
    ("hash = upper(hash)", "hash"),
    ("disabled_at = NULL, hash = repeat('f', 64)", "disabled_at, hash"),
]
MORE = [
    ("workspace = 'mallory'", "workspace"),
    ("created_at = created_at - interval '1 millisecond'", "created_at"),
    ("disabled_at = disabled_at + interval '1 hour'", "disabled_at"),
    ("disabled_at = '-infinity'", "disabled_at"),
    ("expires_at = '2031-01-01'", "expires_at"),
    ("hash = repeat('f', 64)", "hash"),
]


@pytest.mark.parametrize(
    ("change", "columns"), [*CHANGES, *(pytest.param(*one, marks=pytest.mark.long) for one in MORE)]
)
async def test_a_changed_column_is_named_and_put_back(apart: Kept, change: str, columns: str) -> None:
    key = await apart.revoked()
    before = await apart.rows()
    await apart.sql(f"UPDATE {TABLE} SET {change} WHERE public_id = $1", key.public_id)
    findings = await apart.findings()
    assert findings == [changed(key.public_id, columns, key.position)]
    assert await apart.repair(findings) == 1
    assert await apart.findings() == []
    await assert_only_written_anew(apart, before, key.public_id)


async def assert_only_written_anew(kept: Kept, before: list[tuple[object, ...]], public_id: str) -> None:
    """Every other row is as it was, down to the transaction that wrote it; this one but for that and `updated_at`."""
    after = await kept.rows()
    assert [row for row in after if public_id not in row] == [row for row in before if public_id not in row]
    (old,), (new,) = ([row for row in rows if public_id in row] for rows in (before, after))
    differing = [number for number, (one, other) in enumerate(zip(old, new, strict=True)) if one != other]
    assert set(differing) <= {0, 1, 10}  # xmin, xmax, updated_at


@pytest.mark.parametrize("kept", [pytest.param("own", marks=pytest.mark.long), "shared"], indirect=True)
async def test_a_change_in_a_shared_database_is_found_though_no_sync_ever_followed(kept: Kept) -> None:
    key = await kept.revoked()
    if kept.gateway == kept.tampered.database:
        await kept.tampered.sql("DELETE FROM keyledger.gateway_sync")
    await kept.sql(f"UPDATE {TABLE} SET disabled_at = NULL WHERE public_id = $1", key.public_id)
    assert await kept.findings() == [changed(key.public_id, "disabled_at", key.position)]


async def test_a_row_that_was_removed_is_found_and_written_again(kept: Kept) -> None:
    key = await kept.revoked()
    await kept.sql(f"DELETE FROM {TABLE} WHERE public_id = $1", key.public_id)
    detail = f"there is no row of the credential {key.public_id}"
    missing = Finding("missing", TABLE, detail, REPAIR, key.position, f"key-{key.public_id}")
    findings = await kept.findings()
    assert findings == [missing]
    assert await kept.repair(findings) == 1
    assert await kept.findings() == []


@pytest.mark.parametrize("kept", ["own", "shared"], indirect=True)
async def test_all_rows_are_looked_at_and_mended_in_pages(kept: Kept) -> None:
    """Several credentials a key among them; the gateway's own row is none of ours."""
    (foreign,) = [row for row in await kept.rows() if "Foreign00001" in row]
    await kept.sql(
        f"UPDATE {TABLE} SET description = 'mine', expires_at = '2000-01-01' WHERE public_id <> 'Foreign00001'"
    )
    findings = await kept.findings()
    assert len(findings) == len(await kept.rows()) - 1
    assert await kept.repair(findings) == len(findings)
    assert await kept.findings() == []
    assert await kept.repair(findings) == 0, "a repeat writes nothing"
    assert await kept.row("Foreign00001") == foreign


async def test_rows_of_the_gateway_itself_are_never_found(kept: Kept) -> None:
    await kept.sql(f"UPDATE {TABLE} SET hash = '', expires_at = 'infinity' WHERE public_id = 'Foreign00001'")
    before = await kept.rows()
    assert await kept.findings() == []
    assert await kept.rows() == before


async def test_a_hash_that_was_swapped_in_both_tables_is_found_in_both_and_stays(kept: Kept) -> None:
    """What the registry has is not believed: the event alone says which hash is the right one."""
    key = await kept.revoked()
    await kept.sql(f"UPDATE {TABLE} SET hash = $2, disabled_at = NULL WHERE public_id = $1", key.public_id, SWAPPED)
    await swap(kept, key.public_id)
    findings = await kept.findings()
    assert [one.where for one in findings] == ["credential", TABLE]
    assert findings[1].detail.endswith(": disabled_at, hash")
    assert "revoke the key" in findings[1].fix
    assert await kept.repair(findings) == 1
    left = await kept.findings()
    assert [(one.where, one.detail.rpartition(": ")[2]) for one in left[1:]] == [(TABLE, "hash")]
    assert SWAPPED in await kept.row(key.public_id)
    assert all(SWAPPED not in repr(one) for one in [*findings, *left])


async def test_a_hash_that_was_swapped_in_the_registry_alone_is_not_brought_to_the_gateway(kept: Kept) -> None:
    key = await kept.revoked()
    await swap(kept, key.public_id)
    findings = await kept.findings()
    assert [one.where for one in findings] == ["credential"]
    await kept.sql(f"UPDATE {TABLE} SET disabled_at = NULL WHERE public_id = $1", key.public_id)
    findings = await kept.findings()
    assert findings[1:] == [changed(key.public_id, "disabled_at", key.position)]
    assert await kept.repair(findings) == 1
    assert [one.where for one in await kept.findings()] == ["credential"]
    assert SWAPPED not in await kept.row(key.public_id)
    await kept.sql(f"DELETE FROM {TABLE} WHERE public_id = $1", key.public_id)
    findings = await kept.findings()
    assert [one.fix for one in findings if one.where == TABLE] == ["revoke the key, and create another"]
    assert await kept.repair(findings) == 0, "nothing is known that could be let in"


async def swap(kept: Kept, public_id: str) -> None:
    statement = "UPDATE keyledger.credential SET secret_hash = $2 WHERE credential_id = $1"
    await kept.tampered.sql(statement, public_id, SWAPPED)


async def test_a_credential_without_a_hash_needs_no_row_but_one_that_is_there_must_be_right(kept: Kept) -> None:
    """As after a restore from an archive without hashes."""
    key = await kept.revoked()
    await kept.tampered.sql("UPDATE keyledger.credential SET secret_hash = NULL")
    assert await kept.findings() == []
    await kept.sql(f"UPDATE {TABLE} SET disabled_at = NULL WHERE public_id = $1", key.public_id)
    findings = await kept.findings()
    assert findings == [changed(key.public_id, "disabled_at", key.position)]
    assert await kept.repair(findings) == 1
    await kept.sql(f"DELETE FROM {TABLE} WHERE public_id <> 'Foreign00001'")
    assert await kept.findings() == []


async def test_a_state_that_is_wrong_in_both_is_found_in_both_and_made_anew_from_the_log(kept: Kept) -> None:
    """Somebody changes the current state, and the sync brings it to the gateway: the key works again."""
    key = await kept.revoked()
    await kept.tampered.sql(
        "UPDATE keyledger.key_state SET revoked_at = NULL,"
        " document = jsonb_set(document::jsonb, '{revoked_at}', 'null')::text WHERE public_id = $1",
        key.public_id,
    )
    await kept.sql(f"UPDATE {TABLE} SET disabled_at = NULL WHERE public_id = $1", key.public_id)
    findings = await kept.findings()
    assert [one.where for one in findings] == ["key_state", TABLE]
    assert await kept.repair(findings) == 1
    assert await kept.findings() == []
    (row,) = await kept.sql(f"SELECT disabled_at FROM {TABLE} WHERE public_id = $1", key.public_id)
    assert row["disabled_at"] is not None


async def test_a_credential_that_the_registry_alone_knows_is_found_at_the_gateway_too(kept: Kept) -> None:
    """Added to the registry's tables behind the log: the sync takes it for one of ours."""
    (key,) = await kept.tampered.sql("SELECT public_id FROM keyledger.key_state LIMIT 1")
    insert = "INSERT INTO keyledger.credential (credential_id, public_id, secret_hash) VALUES ('Zmallory0000', $1, $2)"
    await kept.tampered.sql(insert, key["public_id"], SWAPPED)
    assert [one.where for one in await kept.findings()] == ["credential"]
    await kept.sql(
        f"INSERT INTO {TABLE} (organization, workspace, public_id, hash) VALUES ('', '', 'Zmallory0000', '')"
    )
    findings = await kept.findings()
    assert [(one.kind, one.where) for one in findings] == [("extra", "credential"), ("extra", TABLE)]
    assert beyond_repair(findings) == findings[1:]
    before = await kept.rows()
    assert await kept.repair(findings) == 0
    assert await kept.rows() == before


async def test_a_checkpoint_of_another_log_is_found(kept: Kept) -> None:
    await kept.tampered.sql("UPDATE keyledger.gateway_sync SET hash = '\\x00'")
    (finding,) = await kept.findings()
    assert (finding.kind, finding.where) == ("changed", "gateway_sync")
    assert "--anew" in finding.fix


async def test_an_absent_table_is_a_finding_and_the_rest_is_audited(kept: Kept) -> None:
    await kept.sql(f"DROP TABLE {TABLE}")
    await kept.tampered.sql("UPDATE keyledger.key_state SET tags = '{}' WHERE created_position = 3")
    findings = await kept.findings()
    assert {(one.kind, one.where) for one in findings} == {("missing", TABLE), ("changed", "key_state")}
    assert "--run-postgres-migrations" in next(one.detail for one in findings if one.where == TABLE)


async def test_a_gateway_that_is_away_is_a_finding(small_books: Tampered) -> None:
    pool = make_engine(AWAY)
    books = replace(small_books.books, gateway=AuditedGateway(GatewayTable(pool), is_shared=False))
    (finding,) = [one async for one in verify(books, wait_s=0.2) if isinstance(one, Finding)]
    assert (finding.kind, finding.where) == ("not_compared", TABLE)
    assert "127.0.0.1:1, database gateway, user a: connection refused" in finding.detail
    await pool.dispose()


async def test_a_right_that_is_lost_is_a_finding_that_names_the_grant(kept: Kept) -> None:
    async with kept.gateway.connect(owner=False) as application:
        role = await application.fetchval("SELECT current_user")
    await kept.sql(f"REVOKE SELECT ON {TABLE} FROM {role}")
    (finding,) = await kept.findings()
    assert finding.kind == "not_compared"
    assert "GRANT USAGE ON SCHEMA public" in finding.detail


async def test_an_interrupted_audit_looks_at_the_gateway_when_it_goes_on(kept: Kept, database: Database) -> None:
    whole = [one async for one in verify(kept.tampered.books)]
    mark = next(one.bookmark for one in whole if isinstance(one, Progress) and one.stage == "log and ledger")
    key = await kept.revoked()
    await kept.sql(f"UPDATE {TABLE} SET disabled_at = NULL WHERE public_id = $1", key.public_id)
    rest = [one async for one in verify(kept.tampered.books, mark, wait_s=0.2)]
    assert [one.stream for one in rest if isinstance(one, Finding)] == [f"key-{key.public_id}"]
    assert database


@pytest.mark.parametrize("kept", [pytest.param("own", marks=pytest.mark.long), "shared"], indirect=True)
async def test_a_secret_of_ours_under_another_id_is_found_and_left_to_a_person(kept: Kept) -> None:
    """It opens the gateway though its key is revoked; as nobody's row it is not touched."""
    key = await kept.revoked()
    copy = f"""
        INSERT INTO {TABLE} (organization, workspace, public_id, hash)
        SELECT organization, workspace, 'Renamed00001', hash FROM {TABLE} WHERE public_id = $1
    """
    await kept.sql(copy, key.public_id)
    detail = f"the row 'Renamed00001' has the secret of the credential {key.public_id}"
    fix = "the one who added it may hold a working secret: disable it with the gateway's own tools"
    found = Finding("extra", TABLE, detail, fix, None, f"key-{key.public_id}")
    assert await kept.findings() == [found]
    assert await kept.repair([found]) == 0
    assert (await kept.findings(), beyond_repair([found])) == ([found], [found])


async def test_rows_that_are_not_there_are_not_counted(kept: Kept) -> None:
    """Restored without hashes there is nothing to bring to the gateway, which is no finding."""
    key = await kept.revoked()
    before = len(await kept.rows())
    await kept.sql(f"DELETE FROM {TABLE} WHERE public_id = $1", key.public_id)
    await kept.tampered.sql("UPDATE keyledger.credential SET secret_hash = NULL WHERE public_id = $1", key.public_id)
    told = [one async for one in verify(kept.tampered.books, wait_s=0.2)]
    assert [one for one in told if isinstance(one, Finding)] == []
    assert isinstance(told[-1], Verdict)
    assert told[-1].gateway_rows == before - 2  # the gateway's own row, and the one that is gone
