"""A damaged file of ClickHouse makes no wrong bill: the engine goes on without the part, and Keyledger does not."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from keyledger.demo.gateway_rows import KeyUse, generate
from registry.instant import parse_instant, to_ms
from tests.support.oracle.truth import SINCE, UNTIL
from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.registry_process import RegistryProcess
from tests.support.waiting import eventually

PARTS = """
SELECT path, active, rows
FROM system.parts
WHERE database = '{}' AND table = '{}'
"""
LEDGER = ("key_tag_change_v1", "key_life_v1", "key_credential_v1", "event_applied_v1")


@pytest.fixture
async def registry(tmp_path: Path, initialised: InitialisedFolder) -> RegistryProcess:
    """A registry with thirty keys and what they used, stopped."""
    process = await initialised.registry(tmp_path / "data")
    await process.start()
    async with process.portal() as portal:
        keys = [await portal.create({"customer_id": f"customer-{number % 3}"}) for number in range(30)]
        at_ms = to_ms(parse_instant(keys[-1]["created_at"])) + 10
        rows = generate(5, [KeyUse(key["public_id"], at_ms) for key in keys], at_ms, at_ms + 1000, 300)
        await process.load(rows, tmp_path / "rows")
    return process


async def bill(registry: RegistryProcess) -> dict[str, Any] | None:
    """The bill; None while it is refused, which must say why."""
    async with registry.portal() as portal:
        try:
            return await portal.bill(group_by=["customer_id"], since=SINCE, until=UNTIL)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != 503 or "that were written are missing" not in error.response.text:
                raise
            return None


async def damage(registry: RegistryProcess, database: str, table: str) -> None:
    """Stop it, and cut off the end of the greatest part's data, without the parts that it was merged from."""
    parts = await registry.json("sql", PARTS.format(database, table))
    assert await registry.stop() == 0
    folders = {Path(part["path"]): part for part in parts}
    for folder, part in folders.items():
        if not part["active"] and folder.exists():
            shutil.rmtree(folder)
    greatest = max((one for one in folders if folders[one]["active"]), key=lambda one: int(folders[one]["rows"]))
    data = greatest / "data.bin"
    assert data.stat().st_size > 20
    with data.open("r+b") as file:
        file.truncate(data.stat().st_size - 20)


async def test_the_ledger_s_damaged_parts_are_written_again_from_the_log(registry: RegistryProcess) -> None:
    right = await bill(registry)
    assert right is not None
    for table in LEDGER:
        await damage(registry, "keyledger", table)
        await registry.start()
        made = await eventually(lambda: bill(registry), bool, timeout_s=30)
        assert made == right, table
        code, _, _ = await registry.ask("status")
        assert code == 0, table
        assert not await registry.json("sql", "SELECT * FROM system.detached_parts WHERE database = 'keyledger'")
    assert (await registry.ask("audit", "verify"))[0] == 0
    assert await registry.stop() == 0


@pytest.mark.parametrize("table", ["usage_entry_v1", pytest.param("usage_row_v1", marks=pytest.mark.long)])
async def test_without_a_part_of_the_usage_journal_no_bill_is_made(registry: RegistryProcess, table: str) -> None:
    """Nor is the part thrown away, as one of the ledger is when the log has given it again."""
    assert await bill(registry) is not None
    await damage(registry, "keyledger", table)
    await registry.start()
    assert await bill(registry) is None
    code, out, _ = await registry.ask("status")
    assert (code, "rows_missing" in out, table in out) == (1, True, True)
    code, _, err = await registry.ask("bill", "--group-by", "customer_id", "--since", SINCE, "--until", UNTIL)
    assert code == 1
    assert "rows that were written are missing" in err
    assert await registry.json("sql", "SELECT * FROM system.detached_parts WHERE database = 'keyledger'")
    assert await registry.stop() == 0


@pytest.mark.parametrize("table", ["ModelInference", pytest.param("ChatInference", marks=pytest.mark.long)])
async def test_a_bill_is_right_without_a_part_of_the_gateway_s_rows_that_was_collected(
    registry: RegistryProcess, table: str
) -> None:
    right = await bill(registry)
    assert right is not None
    await damage(registry, "tensorzero", table)
    await registry.start()
    assert await bill(registry) == right
    code, out, _ = await registry.ask("status")
    assert (code, "rows_missing" in out, table in out) == (1, True, True)
    assert "the usage journal has them, so bills are right" in out
    assert await registry.stop() == 0


@pytest.mark.parametrize("table", ["usage_entry_v1", "key_tag_change_v1"])
async def test_a_part_that_can_not_be_read_any_more_is_mended_while_it_runs(
    registry: RegistryProcess, table: str
) -> None:
    """As a full disk leaves one that was just merged: what it was merged from takes its place."""
    right = await bill(registry)
    await registry.json("sql", f"OPTIMIZE TABLE keyledger.{table} FINAL")
    parts = [Path(one["path"]) for one in await registry.json("sql", PARTS.format("keyledger", table)) if one["active"]]
    for part in parts:
        (marks,) = part.glob("data.cmrk*")
        marks.write_bytes(b"")
    await registry.json("sql", "SYSTEM DROP MARK CACHE")
    questions = itertools.cycle([["model"], ["customer_id", "model"], ["customer_id", "provider"], ["hour"]])
    refused, since = 0, time.monotonic()
    async with registry.portal() as portal:
        while refused == 0 or since > time.monotonic() - 3:
            asked = {"group_by": next(questions), "since": SINCE, "until": UNTIL}
            answer = await portal.http.get("/billing/usage", params=asked)
            if answer.status_code != 200:
                assert answer.status_code == 503, answer.text
                refused, since = refused + 1, time.monotonic()
            assert refused < 200, "it is not mended"
    assert await bill(registry) == right
    lost = "SELECT name FROM system.detached_parts WHERE database = 'keyledger'"
    assert await eventually(lambda: registry.json("sql", lost), lambda found: not found, timeout_s=30) == []
    assert (await registry.ask("status"))[0] == 0
    assert (await registry.ask("audit", "verify"))[0] == 0
    checked = await registry.json("sql", f"CHECK TABLE keyledger.{table}")
    assert {one["2"] for one in checked} == {"1"}, "the engine names no columns: they are numbered"
    assert "has a part that can't be read: the table is loaded again" in registry.log.read_text()
    assert await registry.stop() == 0


@pytest.mark.long
async def test_a_file_with_other_bytes_is_not_loaded_again_and_again_and_is_put_aside_by_hand(
    registry: RegistryProcess,
) -> None:
    """As docs/operate.md says, under Damaged files: the engine itself does not find out at a start."""
    right = await bill(registry)
    assert right is not None
    await registry.json("sql", "OPTIMIZE TABLE keyledger.usage_entry_v1 FINAL")
    listed = await registry.json("sql", PARTS.format("keyledger", "usage_entry_v1"))
    parts = [Path(one["path"]) for one in listed if one["active"]]
    for part in parts:
        with (part / "data.bin").open("r+b") as file:
            file.seek(40)
            byte = file.read(1)
            file.seek(40)
            file.write(bytes([byte[0] ^ 0xFF]))
    await registry.json("sql", "SYSTEM DROP MARK CACHE")
    refused, since = list[str](), time.monotonic()
    async with registry.portal() as portal:
        while since > time.monotonic() - 40:
            asked = {"group_by": ["model"], "since": SINCE, "until": UNTIL}
            answer = await portal.http.get("/billing/usage", params=asked)
            assert answer.status_code == 503, answer.text
            refused.append(answer.json()["detail"])
            await asyncio.sleep(0.2)
    assert "can't read a file as it was written: see docs/operate.md, Damaged files" in refused[-1]
    log = registry.log.read_text()
    assert log.count("the table is loaded again") == 1
    assert "keyledger.usage_entry_v1 still has it" in log
    assert await registry.stop() == 0
    for part in parts:
        (part / "data.bin").unlink()
    await registry.start()
    assert await eventually(lambda: bill(registry), lambda made: made is None, timeout_s=30) is None
    code, out, _ = await registry.ask("status")
    assert (code, "rows_missing" in out) == (1, True)
    code, out, err = await registry.ask("audit", "verify", "--repair")
    assert code == 0, out + err
    aside = "SELECT name FROM system.detached_parts WHERE database = 'keyledger'"
    for part in await registry.json("sql", aside):
        drop = f"ALTER TABLE keyledger.usage_entry_v1 DROP DETACHED PART '{part['name']}'"
        await registry.json("sql", f"{drop} SETTINGS allow_drop_detached = 1")
    assert await eventually(lambda: bill(registry), bool, timeout_s=60) == right
    assert await registry.stop() == 0


async def test_definitions_that_were_cut_short_are_made_again(registry: RegistryProcess) -> None:
    """As a full disk leaves them, which kept the folder from ever opening again."""
    right = await bill(registry)
    assert right is not None
    assert await registry.stop() == 0
    metadata = registry.folder / "clickhouse" / "metadata"
    # Cut after a line, it still parses, and means something else.
    lines = (metadata / "keyledger" / "event_applied.sql").read_bytes().splitlines(keepends=True)
    assert lines[-1] == b"FINAL\n"
    before_final = sum(map(len, lines[:-1]))
    views = {name: (metadata / "keyledger" / f"{name}.sql").stat().st_ino for name in ("coverage", "event_applied")}
    await registry.start()
    assert await registry.stop() == 0
    # None is made again that is as it was.
    for name, inode in views.items():
        assert (metadata / "keyledger" / f"{name}.sql").stat().st_ino == inode
    for name, left in (
        ("event_applied", before_final),
        ("bill", 0),
        ("key_tags", 30),
        ("applied_position", 5000),
        ("key_life_v1", 50),
        ("ledger_tally_v2", 0),
    ):
        with (metadata / "keyledger" / f"{name}.sql").open("r+b") as file:
            file.truncate(left)
    await registry.start()
    assert await eventually(lambda: bill(registry), bool, timeout_s=30) == right
    assert (await registry.ask("status"))[0] == 0
    assert await registry.stop() == 0
    assert (metadata / "keyledger" / "event_applied.sql").read_bytes().endswith(b"FINAL\n")

    with (metadata / "tensorzero" / "ModelInference.sql").open("r+b") as file:
        file.truncate(100)
    code, _, err = await registry.ask("bill", "--group-by", "customer_id", "--since", SINCE, "--until", UNTIL)
    assert code == 1
    assert "The definition of tensorzero.ModelInference is broken: put" in err
