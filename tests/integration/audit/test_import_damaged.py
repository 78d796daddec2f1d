"""What is damaged, forged or no archive at all: refused by name, and nothing of it is written."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from audit.archive.reader import open_archive
from audit.errors import BadArchive
from registry.log.event_log import EventLog, RecordedEvent
from registry.log.memory import MemoryEventLog
from registry.log.postgres import PostgresEventLog
from registry.service import KeyService, NewKey
from registry.tokens.service import NewToken, TokenService
from tests.support.audit.archive_damage import KINDS, Damage, forge
from tests.support.audit.archive_world import assert_untouched, export_to, id_of, restore_into
from tests.support.ledger.workload import OPERATOR, fill, itself
from tests.support.servers.databases import Database


@pytest.mark.parametrize("times", [3, pytest.param(12, marks=pytest.mark.long)])
async def test_every_kind_of_damage_is_refused_and_nothing_is_written(
    filled: PostgresEventLog, engine: AsyncEngine, empty: Database, tmp_path: Path, times: int
) -> None:
    await export_to(tmp_path / "healthy", filled, secrets_of=engine)
    log_id, damage = await id_of(empty), Damage(tmp_path / "healthy", tmp_path, Random(5))
    for number in range(times * len(KINDS)):
        kind = KINDS[number % len(KINDS)]
        path = getattr(damage, kind)()
        with pytest.raises(BadArchive) as refused:
            await restore_into(empty, path)
        assert any(name in str(refused.value) for name in ("line ", "manifest", "missing", "credentials.ndjson")), kind
        assert "secret_hash" not in str(refused.value)
    await assert_untouched(empty, log_id)
    await restore_into(empty, tmp_path / "healthy")


@pytest.mark.parametrize("line", [1, 9, 40])
async def test_the_line_that_was_changed_is_named(filled: PostgresEventLog, tmp_path: Path, line: int) -> None:
    await export_to(tmp_path / "a", filled)
    file = tmp_path / "a" / "events.ndjson"
    lines = file.read_bytes().splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace(b'"actor":"operator"', b'"actor":"mallory"')
    file.write_bytes(b"".join(lines))
    with pytest.raises(BadArchive, match=rf"events\.ndjson, line {line} was changed"):
        open_archive(tmp_path / "a")
    del lines[line - 1]
    file.write_bytes(b"".join(lines))
    with pytest.raises(BadArchive, match=rf"events\.ndjson, line {line} has position {line + 1}"):
        open_archive(tmp_path / "a")


async def test_no_byte_of_the_manifest_can_change(postgres_log: PostgresEventLog, tmp_path: Path) -> None:
    await fill(postgres_log, seed=22, count=3)
    await export_to(tmp_path / "a", postgres_log)
    file = tmp_path / "a" / "manifest.json"
    content = file.read_bytes()
    for place in range(len(content)):
        for bit in (0, 3, 5, 7):
            file.write_bytes(content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :])
            with pytest.raises(BadArchive, match=r"manifest\.json"):
                open_archive(tmp_path / "a")
    for longer in (content + b"\n", b" " + content, content.replace(b"{", b'{"a": 1,', 1)):
        file.write_bytes(longer)
        with pytest.raises(BadArchive, match=r"manifest\.json"):
            open_archive(tmp_path / "a")


async def test_a_hash_that_no_event_commits_to_is_named(
    filled: PostgresEventLog, engine: AsyncEngine, tmp_path: Path
) -> None:
    await export_to(tmp_path / "a", filled, secrets_of=engine)
    file = tmp_path / "a" / "credentials.ndjson"
    file.write_bytes(file.read_bytes() + b'{"kind":"admin_token","id":"Zmallory0000","secret_hash":"","stream":"x"}\n')
    with pytest.raises(BadArchive, match="no event in its turn commits to Zmallory0000"):
        open_archive(tmp_path / "a")


async def story(*changes: dict[str, Any]) -> list[RecordedEvent]:
    """The events of a small log, each with the changes of its place."""
    log = MemoryEventLog()
    key = (await KeyService(log, itself).create(NewKey({"customer_id": "acme"}), OPERATOR)).key
    await KeyService(log, itself).revoke(key.public_id, OPERATOR)
    await TokenService(log).create(NewToken("finance", ("billing:read",)), OPERATOR)
    events = await log.read(0, 10)
    return [msgspec.structs.replace(event, **change) for event, change in zip(events, changes, strict=True)]


Forged = tuple[tuple[dict[str, Any], ...], str]  # the changes of the events, and why it is refused
FORGED: list[Forged] = [
    (({}, {"version": 3}, {}), "position 2 can't be: its version does not follow"),
    (({}, {"stream": "key-another00000", "version": 1}, {}), "position 2 can't be: it does not begin the stream"),
    (({}, {"type": "AdminTokenRevoked"}, {}), "can't be where it is: AdminTokenRevoked at position 2"),
    (({}, {}, {"type": "Noted"}), "line 3 does not decode"),
    (({}, {}, {"recorded_us": 5}), "line 3 was not recorded after the one before"),
    (({}, {"stream": "token-x", "version": 1, "type": "AdminTokenRevoked"}, {}), "position 2 can't be"),
    (({}, {"actor": "a\0b"}, {}), "can't be those of one log"),
    (({}, {"version": 1}, {}), "can't be those of one log"),
]
MORE: list[Forged] = [
    (({"version": 2}, {"version": 3}, {}), "position 1 can't be: its version does not follow"),
    (({}, {}, {"version": 2}), "position 3 can't be: its version does not follow"),
    (({"stream": "key-a"}, {"stream": "key-a"}, {}), "position 1 can't be: it does not begin the stream"),
    (({}, {}, {"stream": "usage-tensorzero"}), "position 3 can't be: it does not begin the stream"),
    (({}, {}, {"stream": "thing-1"}), "position 3 can't be: it does not begin the stream"),
    (({}, {}, {"payload": b"{}"}), "line 3 does not decode"),
]


@pytest.mark.parametrize(("changes", "why"), [*FORGED, *(pytest.param(*one, marks=pytest.mark.long) for one in MORE)])
async def test_a_well_forged_log_that_can_not_be_is_refused(
    empty: Database, tmp_path: Path, changes: tuple[dict[str, Any], ...], why: str
) -> None:
    log_id = await id_of(empty)
    forge(tmp_path / "forged", UUID(int=7), await story(*changes))
    with pytest.raises(BadArchive, match=why):
        await restore_into(empty, tmp_path / "forged")
    await assert_untouched(empty, log_id)
    forge(tmp_path / "whole", UUID(int=7), await story({}, {}, {}))
    assert (await restore_into(empty, tmp_path / "whole")).position == 3


async def test_what_is_no_archive_is_refused(tmp_path: Path, filled: EventLog) -> None:
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "nothing", tmp_path / "folder"):
        with pytest.raises(BadArchive, match=r"it has no manifest\.json"):
            open_archive(path)
    await export_to(tmp_path / "a", filled)
    (tmp_path / "a" / "credentials.ndjson").write_bytes(b"")
    with pytest.raises(BadArchive, match="the manifest does not list it"):
        open_archive(tmp_path / "a")
