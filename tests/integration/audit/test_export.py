"""The log as an archive: the lines of the topic, to the byte, or nothing at all."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from textwrap import dedent
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.archive.export import export_lines
from audit.archive.reader import check_archive, open_archive
from audit.archive.writer import ArchiveContent, write_archive
from audit.errors import BadArchive, SecretSwapped, TargetUnfit
from registry.errors import ChainBroken, UndecodableEvent
from registry.log.chain_walk import Linked
from registry.log.postgres import PostgresEventLog
from registry.publish.cloudevent import write_record
from tests.support.api.service import assert_problem
from tests.support.audit.archive_world import EXPORTED_AT, export_to, state_rows
from tests.support.audit.ledger_world import Ledger
from tests.support.contracts.writes import later_version, read_all
from tests.support.ledger.workload import fill
from tests.support.servers.databases import Database

EXPORT = "/audit/export"
UNGUARDED = "ALTER TABLE keyledger.event DISABLE TRIGGER event_append_only;"


def names_in(folder: Path, pattern: str = "*") -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.glob(pattern))


async def tamper(database: Database, statement: str) -> None:
    """Change the log past its guard."""
    async with database.connect() as owner:
        await owner.execute(UNGUARDED + statement)


async def test_the_lines_are_the_records_of_the_topic_and_the_manifest_says_so(
    postgres_log: PostgresEventLog, tmp_path: Path
) -> None:
    await fill(postgres_log, seed=31, count=1100)
    manifest = await export_to(tmp_path / "a", postgres_log)
    previous, records = postgres_log.genesis_hash, []
    for event in await read_all(postgres_log, 500):
        records.append(write_record(postgres_log.log_id, Linked(previous, event))[1] + b"\n")
        previous = event.hash
    content = (tmp_path / "a" / "events.ndjson").read_bytes()
    assert content == b"".join(records)
    said = json.loads((tmp_path / "a" / "manifest.json").read_text())
    assert said.pop("sha256")
    assert said == {
        "format": "keyledger-archive",
        "version": 1,
        "log_id": str(postgres_log.log_id),
        "chain_rule": 1,
        "head": {
            "position": len(records),
            "hash": previous.hex(),
            "recorded_at": json.loads(records[-1])["time"],
        },
        "count": len(records),
        "files": {
            "events.ndjson": {
                "sha256": sha256(content).hexdigest(),
                "bytes": len(content),
                "lines": len(records),
            }
        },
        "exported_at": "2026-03-01T00:00:00.000000Z",
        "keyledger_version": manifest.keyledger_version,
    }
    check_archive(open_archive(tmp_path / "a"))


async def test_nobody_else_can_read_it_and_nothing_but_it_is_left(
    postgres_log: PostgresEventLog, engine: AsyncEngine, tmp_path: Path
) -> None:
    await fill(postgres_log, seed=32, count=5)
    await export_to(tmp_path / "a", postgres_log, secrets_of=engine)
    assert names_in(tmp_path) == ["a"]
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "a").iterdir()}
    assert modes == dict.fromkeys(("events.ndjson", "credentials.ndjson", "manifest.json"), 0o600)


async def test_no_hash_of_a_secret_is_in_it_unless_asked_for(
    postgres_log: PostgresEventLog, engine: AsyncEngine, database: Database, tmp_path: Path
) -> None:
    await fill(postgres_log, seed=33, count=20)
    await export_to(tmp_path / "without", postgres_log)
    await export_to(tmp_path / "with", postgres_log, secrets_of=engine)
    rows = (await state_rows(database))["credential"]
    events = (tmp_path / "without" / "events.ndjson").read_text()
    hashes = (tmp_path / "with" / "credentials.ndjson").read_text()
    assert names_in(tmp_path / "without") == ["events.ndjson", "manifest.json"]
    assert [row["secret_hash"] for row in rows if row["secret_hash"] in events] == []
    assert [row["secret_hash"] for row in rows if row["secret_hash"] not in hashes] == []
    lines = [json.loads(line) for line in hashes.splitlines()]
    assert lines[0].keys() == {"kind", "id", "secret_hash", "public_id"}
    assert {line["kind"] for line in lines} == {"credential"}


async def test_a_prefix_has_the_secrets_of_its_own_events_alone(
    postgres_log: PostgresEventLog, engine: AsyncEngine, tmp_path: Path
) -> None:
    await fill(postgres_log, seed=34, count=40)
    await export_to(tmp_path / "all", postgres_log, secrets_of=engine)
    await export_to(tmp_path / "first", postgres_log, 10, secrets_of=engine)
    every, first = ((tmp_path / name / "events.ndjson").read_bytes() for name in ("all", "first"))
    assert first.count(b"\n") == 10
    assert every.startswith(first)
    created = first.count(b'"keyledger.KeyCreated.v1"')
    assert (tmp_path / "first" / "credentials.ndjson").read_bytes().count(b"\n") == created
    assert (tmp_path / "all" / "credentials.ndjson").read_bytes().count(b"\n") > created


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        ("UPDATE keyledger.event SET actor = 'mallory' WHERE position = 7", 7),
        ("UPDATE keyledger.event SET payload = payload || ' ' WHERE position = 1", 1),
        ("UPDATE keyledger.event SET hash = salt WHERE position = 15", 15),
        ("UPDATE keyledger.event SET effective_at = effective_at + interval '1 microsecond' WHERE position = 9", 9),
        ("UPDATE keyledger.event SET effective_at = 'infinity' WHERE position = 8", 8),
        ("UPDATE keyledger.event SET recorded_at = '294276-12-31' WHERE position = 8", 8),
        ("DELETE FROM keyledger.event WHERE position = 4", 4),
        ("DELETE FROM keyledger.event WHERE position >= 12", 12),
    ],
)
async def test_a_log_that_was_changed_is_not_exported_and_the_position_is_named(
    postgres_log: PostgresEventLog, database: Database, tmp_path: Path, statement: str, position: int
) -> None:
    await fill(postgres_log, seed=35, count=20)
    head = (await postgres_log.head()).position
    await tamper(database, statement)
    with pytest.raises(ChainBroken, match=rf"position {position}\b"):
        await export_to(tmp_path / "a", postgres_log, head)
    assert names_in(tmp_path) == []


async def test_an_event_that_does_not_decode_is_not_exported(postgres_log: PostgresEventLog, tmp_path: Path) -> None:
    await fill(postgres_log, seed=36, count=3)
    with later_version() as unknown:
        await postgres_log.write(unknown)
    head = (await postgres_log.head()).position
    with pytest.raises(UndecodableEvent, match=f"position {head}"):
        await export_to(tmp_path / "a", postgres_log)
    assert names_in(tmp_path) == []


async def test_a_hash_that_was_swapped_is_not_exported(
    postgres_log: PostgresEventLog, engine: AsyncEngine, database: Database, tmp_path: Path
) -> None:
    await fill(postgres_log, seed=37, count=5)
    (swapped, *_) = (await state_rows(database))["credential"]
    await tamper(database, f"UPDATE keyledger.credential SET secret_hash = '{'0' * 64}'")
    with pytest.raises(SecretSwapped) as refused:
        await export_to(tmp_path / "a", postgres_log, secrets_of=engine)
    assert swapped["secret_hash"] not in str(refused.value)
    await export_to(tmp_path / "a", postgres_log)


async def test_what_is_there_is_never_written_over(postgres_log: PostgresEventLog, tmp_path: Path) -> None:
    await fill(postgres_log, seed=38, count=3)
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "folder", "link"):
        with pytest.raises(TargetUnfit, match="exists"):
            await export_to(tmp_path / name, postgres_log)
    with pytest.raises(TargetUnfit, match="No such file or directory"):
        await export_to(tmp_path / "no" / "parent", postgres_log)
    assert (tmp_path / "file").read_text() == "mine"
    assert names_in(tmp_path) == ["file", "folder", "link"]


async def test_lines_that_do_not_end_where_they_say_make_no_archive(
    postgres_log: PostgresEventLog, tmp_path: Path
) -> None:
    await fill(postgres_log, seed=39, count=10)
    lines = b"".join([chunk async for chunk in export_lines(postgres_log, 10)]).splitlines(keepends=True)

    async def lossy() -> AsyncIterator[bytes]:
        yield b"".join(lines[:4] + lines[5:])

    with pytest.raises(BadArchive, match="9 lines came, and the last is of position 10"):
        await write_archive(tmp_path / "a", ArchiveContent(postgres_log.log_id, lossy()), EXPORTED_AT)
    assert names_in(tmp_path) == []


KILLED_HALF_WAY = dedent("""
    import asyncio, sys, uuid
    from datetime import UTC, datetime
    from pathlib import Path
    from audit.archive.writer import ArchiveContent, write_archive

    async def lines():
        yield Path(sys.argv[2]).read_bytes()
        print("half", flush=True)
        await asyncio.Event().wait()

    asyncio.run(write_archive(Path(sys.argv[1]), ArchiveContent(uuid.UUID(int=1), lines()), datetime.now(UTC)))
""")


async def test_a_killed_export_leaves_nothing_that_looks_whole(postgres_log: PostgresEventLog, tmp_path: Path) -> None:
    await fill(postgres_log, seed=40, count=10)
    await export_to(tmp_path / "whole", postgres_log)
    events = tmp_path / "whole" / "events.ndjson"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED_HALF_WAY, str(tmp_path / "a"), str(events), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"half\n"
    process.kill()
    assert await process.wait() == -signal.SIGKILL
    assert not (tmp_path / "a").exists()
    (partial,) = names_in(tmp_path, "a.partial-*")
    assert (tmp_path / partial).stat().st_mode & 0o777 == 0o700
    with pytest.raises(BadArchive):
        open_archive(tmp_path / partial)
    await export_to(tmp_path / "a", postgres_log)


async def test_an_auditor_reads_the_same_lines_over_http_page_by_page(ledger: Ledger, tmp_path: Path) -> None:
    log = ledger.api.services.registry.log
    await fill(log, seed=41, count=30)
    await export_to(tmp_path / "a", log)
    content = (tmp_path / "a" / "events.ndjson").read_bytes()
    whole = await ledger.ask(EXPORT)
    assert whole.content == content
    assert whole.headers["content-type"] == "application/x-ndjson"
    assert whole.headers["cache-control"] == "no-store"
    assert int(whole.headers["keyledger-position"]) == await ledger.api.head()
    assert UUID(whole.headers["keyledger-log-id"]) == log.log_id
    pages, after = [], 0
    while page := (await ledger.ask(EXPORT, after=after, limit=7)).content:
        assert page.count(b"\n") <= 7
        after = json.loads(page.splitlines()[-1])["data"]["position"]
        pages.append(page)
    assert b"".join(pages) == content
    assert (await ledger.ask(EXPORT, after=3, until=5)).content == b"".join(content.splitlines(keepends=True)[3:5])


async def test_who_may_not_audit_gets_no_line_and_a_wrong_question_is_named(ledger: Ledger) -> None:
    head = await ledger.api.head()
    for token in ("writer", "reader", "billing"):
        assert_problem(await ledger.api.call("GET", EXPORT, by=token), 403)
    assert_problem(await ledger.api.client.get(EXPORT), 401)
    for field, value in (("after", head + 1), ("until", head + 1), ("limit", 0), ("limit", 10_001), ("known_at", 1)):
        assert_problem(await ledger.ask(EXPORT, **{field: value}), 422, field)
    assert (await ledger.ask(EXPORT, after=head)).content == b""
    assert (await ledger.ask(EXPORT, after=3, until=2)).content == b""
    # Hashes of secrets are for the operator's socket alone.
    assert_problem(await ledger.ask("/operator/audit/credentials"), 404)


async def test_a_broken_log_is_told_over_http_with_its_position(ledger: Ledger, database: Database) -> None:
    await fill(ledger.api.services.registry.log, seed=42, count=10)
    await tamper(database, "UPDATE keyledger.event SET actor = 'mallory' WHERE position = 9")
    assert (await ledger.ask(EXPORT, limit=8)).content.count(b"\n") == 8
    answer = await ledger.ask(EXPORT, after=8)
    assert_problem(answer, 500)
    assert "position 9" in answer.json()["detail"]
