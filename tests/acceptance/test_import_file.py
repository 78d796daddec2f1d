"""keyledger keys import-file: killed at any moment and run again, it makes each key once and has each secret."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.registry_process import RegistryProcess

ROWS = 1500


@pytest.fixture
async def registry(tmp_path: Path, initialised: InitialisedFolder) -> AsyncIterator[RegistryProcess]:
    """One that runs."""
    process = await initialised.registry(tmp_path / "data")
    await process.start()
    yield process
    assert await process.stop() == 0


async def run(process: RegistryProcess, *arguments: str, kill_after_s: float | None = None) -> tuple[int, str, str]:
    """The command as a process; exit code, stdout and stderr. It may be killed."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "keyledger.cli", "keys", "import-file"),
        *("--registry", process.url, "--data", str(process.folder)),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("KEYLEDGER_")},
    )
    if kill_after_s is not None:
        await asyncio.sleep(kill_after_s)
        if child.returncode is None:
            child.send_signal(signal.SIGKILL)
    out, err = await child.communicate()
    assert child.returncode is not None
    return child.returncode, out.decode(), err.decode()


def results(out: Path) -> list[dict[str, Any]]:
    """The lines of a file of results."""
    return [json.loads(line) for line in out.read_text().splitlines()]


async def test_killed_again_and_again_it_makes_each_key_once_and_has_every_secret(
    registry: RegistryProcess, tmp_path: Path
) -> None:
    rng, file, out = Random(7), tmp_path / "keys.csv", tmp_path / "secrets.ndjson"
    file.write_text("tags.customer_id,tags.n\n" + "".join(f"c{n % 50},{n}\n" for n in range(ROWS)))
    asked = (str(file), "--out", str(out), "--batch", "10", "--json")
    kills = 0
    while True:
        code, said, err = await run(registry, *asked, kill_after_s=rng.uniform(0.9, 2.5) if kills < 6 else None)
        if code != -signal.SIGKILL:
            break
        kills += 1
    assert (code, err) == (0, ""), err
    assert kills >= 2
    assert json.loads(said)["done"] + json.loads(said)["done_before"] == ROWS
    made = results(out)
    assert [one["line"] for one in made] == list(range(2, ROWS + 2))
    async with registry.portal() as portal:
        found = {}
        listed = await portal.http.get("/admin/api-keys", params={"limit": 1000, "count": "true"})
        assert listed.json()["total"] == ROWS, "no key is an orphan"
        for one in made[:: ROWS // 40]:
            verified = (await portal.http.post("/verify", json={"api_key": one["api_key"]})).json()
            found[one["line"]] = verified["tags"]["n"]
            assert (verified["valid"], verified["public_id"]) == (True, one["public_id"])
    assert all(n == str(line - 2) for line, n in found.items())
    assert (await run(registry, *asked))[0] == 0
    assert results(out) == made, "a run after the last changes nothing"


async def test_a_refused_batch_changes_nothing_and_is_corrected_by_line(
    registry: RegistryProcess, tmp_path: Path
) -> None:
    file, out = tmp_path / "keys.ndjson", tmp_path / "keys.ndjson.out"
    good = [json.dumps({"tags": {"customer_id": f"c{n}"}}) for n in range(5)]
    bad = json.dumps({"tags": {"customer_id": " x"}, "expiration": "2020-01-01T00:00:00Z"})
    file.write_text("\n".join([*good[:3], bad, *good[3:]]))
    code, _, err = await run(registry, str(file), "--batch", "2")
    assert code == 1
    assert "line 4: tags.customer_id must not begin or end with a blank" in err
    assert [one["line"] for one in results(out)] == [1, 2], "the third is in the batch of the fourth"
    file.write_text("\n".join([*good[:3], json.dumps({"tags": {"customer_id": "x"}}), *good[3:]]))
    code, said, _ = await run(registry, str(file), "--batch", "2")
    assert (code, said) == (0, f"4 rows done, 2 were done before: {out}\n")
    edits = tmp_path / "edits.csv"
    edits.write_text(
        "public_id,tags.customer_id,description\n" + "".join(f"{one['public_id']},acme,moved\n" for one in results(out))
    )
    code, said, _ = await run(registry, str(edits), "--dry-run")
    assert (code, said) == (0, "6 rows that edit keys\n")
    assert (await run(registry, str(edits)))[0] == 0
    async with registry.portal() as portal:
        answer = await portal.http.get("/admin/api-keys", params={"tag": "customer_id:acme", "q": "moved"})
    assert len(answer.json()["items"]) == 6
    code, _, err = await run(registry, str(edits), "--out", str(out))
    assert (code, "line 2 is done already" in err) == (1, True)
    code, _, err = await run(registry, str(tmp_path / "edits.csv"), "--token-file", str(edits))
    assert (code, "the admin token is not one" in err) == (2, True)


async def test_a_registry_that_is_away_is_said_and_nothing_is_lost(registry: RegistryProcess, tmp_path: Path) -> None:
    file = tmp_path / "keys.csv"
    file.write_text("tags.a\n1\n")
    code, _, err = await run(registry, str(file), "--registry", "http://127.0.0.1:9")
    assert code == 1
    assert "Run it again: nothing is done twice" in err
    assert (await run(registry, str(file)))[0] == 0
