"""The backup that proves itself, by command: from one folder into another, and the bills are equal to the cent."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from keyledger.demo.gateway_rows import GatewayRows, KeyUse, generate
from registry.instant import parse_instant, to_ms
from tests.support.audit.archive_damage import refit
from tests.support.oracle.truth import SINCE, UNTIL
from tests.support.processes.forked import run_forked
from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.registry_process import RegistryProcess

BILL = ("bill", "--group-by", "customer_id", "--group-by", "model", "--since", SINCE, "--until", UNTIL)


async def story(process: RegistryProcess) -> tuple[GatewayRows, int]:
    """Keys, edits and corrections on a running registry; the rows of what used them, and the head before the last."""
    async with process.portal() as portal:
        moved = await portal.create({"customer_id": "acme", "crème": "brûlée"})
        wrong = await portal.create({"customer_id": "globex"})
        await portal.edit(moved["public_id"], {"tags": {"customer_id": "globex"}}, reason="sold")
        before = await portal.create({"customer_id": "initech"})
        await portal.edit(
            wrong["public_id"], {"tags": {"customer_id": "umbrella"}}, reason="wrong", effective_at=wrong["created_at"]
        )
        ended = await portal.revoke(before["public_id"], reason="contract ended")
        began_ms, ended_ms = (to_ms(parse_instant(text)) for text in (moved["created_at"], ended["revoked_at"]))
        uses = [KeyUse(key["public_id"], began_ms) for key in (moved, wrong, before)]
        return generate(9, uses, began_ms, ended_ms + 1000, 300), before["position"]


async def imported(archive: Path, folder: Path, *options: str) -> dict[str, Any]:
    """What a restore by command says."""
    code, out, err = await run_forked("audit", "import", str(archive), "--data", str(folder), "--json", *options)
    assert code == 0, err
    result: dict[str, Any] = json.loads(out)
    return result


@pytest.fixture(scope="module")
async def archived(tmp_path_factory: pytest.TempPathFactory, initialised: InitialisedFolder) -> Path:
    """An archive of the story, with its credentials."""
    folder = tmp_path_factory.mktemp("archived")
    process = await initialised.registry(folder / "data")
    await process.start()
    await story(process)
    await process.json("audit", "export", str(folder / "archive"), "--with-credentials")
    assert await process.stop() == 0
    return folder / "archive"


@pytest.mark.timeout(300)
async def test_a_restored_registry_bills_to_the_same_cent(tmp_path: Path, initialised: InitialisedFolder) -> None:
    first, second = await initialised.registry(tmp_path / "first"), RegistryProcess(tmp_path / "second")
    archive = tmp_path / "archive"
    await first.start()
    rows, before = await story(first)
    await first.load(rows, tmp_path / "rows")
    head = (await first.json("status"))["head"]
    bills = [await first.json(*BILL, "--known-at", str(known_at)) for known_at in (before, head)]
    assert bills[0]["lines"] != bills[1]["lines"]
    running = await first.json("audit", "export", str(tmp_path / "running"))
    assert await first.stop() == 0
    # Nothing runs: the command opens the folder itself, and the lines are the same.
    exported = await first.json("audit", "export", str(archive), "--with-credentials")
    assert exported["files"]["events.ndjson"] == running["files"]["events.ndjson"]
    assert exported["count"] == exported["head"]["position"] == head

    assert await imported(archive, second.folder, "--check") == {
        "log_id": exported["log_id"],
        "position": head,
        "hash": exported["head"]["hash"],
    }
    assert not second.folder.exists()
    restored = await imported(archive, second.folder)
    assert (restored["position"], restored["keys"], restored["keys_without_secret"]) == (head, 3, 0)
    shutil.copy(first.folder / "admin-token", second.folder / "admin-token")  # what it opened, it opens here
    await second.start()
    await second.load(rows, tmp_path / "again")
    assert [await second.json(*BILL, "--known-at", str(known_at)) for known_at in (before, head)] == bills
    again = await second.json("audit", "export", str(tmp_path / "again.archive"), "--with-credentials")
    assert again["files"] == exported["files"]
    assert (await second.ask("audit", "verify"))[0] == 0
    code, _, err = await second.ask("audit", "import", str(archive))
    assert (code, "in use" in err) == (1, True)
    assert await second.stop() == 0
    code, _, err = await second.ask("audit", "import", str(archive))
    assert (code, err) == (1, "keyledger: The registry has events: restore into an empty one.\n")


@pytest.mark.timeout(300)
async def test_without_secrets_it_says_so_and_a_new_token_opens_the_restored_registry(
    tmp_path: Path, initialised: InitialisedFolder
) -> None:
    first, second = await initialised.registry(tmp_path / "first"), RegistryProcess(tmp_path / "second")
    await first.start()
    _, before = await story(first)
    code, out, _ = await first.ask("audit", "export", str(tmp_path / "archive"), "--until", str(before))
    assert (code, f"up to position {before}" in out) == (0, True)
    code, _, err = await first.ask("audit", "export", str(tmp_path / "archive"))
    assert (code, "exists" in err) == (1, True)
    code, _, err = await first.ask("audit", "export", str(tmp_path / "more"), "--until", "1000000")
    assert (code, "until" in err) == (1, True)
    assert await first.stop() == 0
    code, out, err = await run_forked("audit", "import", str(tmp_path / "archive"), "--data", str(second.folder))
    assert code == 0, err
    assert "3 of 3 keys and 1 of 1 admin tokens have no secret here" in out
    shutil.copy(first.folder / "admin-token", second.folder / "admin-token")
    await second.start()
    async with second.portal() as portal:
        assert await portal.bill_status() == 401
        made = await second.json("token", "create", "--name", "restored", "--scope", "admin")
        portal.http.headers["Authorization"] = f"Bearer {made['token']}"
        assert [item["tags"]["customer_id"] for item in (await portal.http.get("/admin/api-keys")).json()["items"]] == [
            "initech",
            "globex",
            "globex",
        ]
    assert await second.stop() == 0


async def test_a_damaged_archive_is_refused_and_leaves_no_registry(tmp_path: Path, archived: Path) -> None:
    archive, folder = tmp_path / "archive", tmp_path / "second"
    shutil.copytree(archived, archive)
    healthy = (archive / "events.ndjson").read_bytes()
    damaged = healthy.replace(b"umbrella", b"initech!")
    (archive / "events.ndjson").write_bytes(damaged)
    for options in ((), ("--check",)):
        code, out, err = await run_forked("audit", "import", str(archive), "--data", str(folder), *options)
        assert (code, out) == (1, "")
        assert "events.ndjson, line 6 was changed" in err
        assert not folder.exists()
    # Whoever makes the digests fit gets further, as far as the chain.
    refit(archive, "events.ndjson", damaged.splitlines(keepends=True))
    code, out, err = await run_forked("audit", "import", str(archive), "--data", str(folder))
    assert (code, out) == (1, "")
    assert "events.ndjson, line 6 was changed" in err
    assert not (folder / "postgres").exists()
    refit(archive, "events.ndjson", healthy.splitlines(keepends=True))
    assert (await imported(archive, folder))["keys"] == 3


@pytest.mark.long  # in make test, `tests/integration/audit/test_import.py` has the kill
@pytest.mark.timeout(300)
def made_at(path: Path) -> int | None:
    """When the file was made or last renamed, if it is there."""
    with suppress(FileNotFoundError):
        return path.lstat().st_ctime_ns
    return None


@pytest.mark.long  # an import of keys that is killed goes on in tests/integration/importing/test_interrupted.py
async def test_an_import_that_was_killed_is_done_again(tmp_path: Path, archived: Path) -> None:
    second = RegistryProcess(tmp_path / "second")
    for sign in ("postgres/data", "postgres/data/.s.PGSQL.5432"):  # it has just made its server, it has just started it
        before = made_at(second.folder / sign)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "keyledger.cli", "audit", "import", str(archived),
            "--data", str(second.folder), stdout=asyncio.subprocess.PIPE, env=dict(os.environ),
        )  # fmt: skip
        ended = asyncio.create_task(process.wait())
        while made_at(second.folder / sign) in {None, before} and not ended.done():
            await asyncio.wait({ended}, timeout=0.01)
        process.kill()
        await ended
    result = await imported(archived, second.folder)
    assert result["keys"] == 3
    assert await second.json("audit", "verify")
    assert second.postmasters() == []
