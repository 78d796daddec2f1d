"""Make a folder of tests/golden/stored/older, by the code of an older commit than `make.py` can ask: see the README.

Run with the old code first on the path. It asks only what every commit answers.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import httpx

PERIOD = {"since": "2026-11-01T00:00:00Z", "until": "2027-01-01T00:00:00Z"}
GROUPED = {**PERIOD, "group_by": ["customer_id", "model"]}
_LEFT_OUT = {"tmp", "operator.sock", "postgres/postgres.log", "postgres/port"}
_KEY = "tensorzero::api_key_public_id"


def main(target: Path, commit: str) -> None:
    """Make a registry with three keys and twelve inferences, ask it, and store it with its answers."""
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="stored-") as scratch:
        folder = Path(scratch) / "data"
        command = [sys.executable, "-m", "keyledger.cli", "up", "--port", "0", "--data", str(folder)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        url = next(line for line in process.stdout if line.startswith("ready ")).split()[1]
        token = (folder / "admin-token").read_text().strip()
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as http:
            answers = {"commit": commit, **live(http, folder)}
        process.terminate()
        assert process.wait(60) == 0
        (target / "answers.json").write_text(json.dumps(answers, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        with tarfile.open(target / "data.tar.xz", "w:xz", preset=9) as tar:
            tar.add(folder, "", filter=lambda member: None if member.name in _LEFT_OUT else member)


def live(http: httpx.Client, folder: Path) -> dict[str, Any]:
    """All that happens, and what is answered afterwards."""
    keys = [
        created(http, {"tags": {"customer_id": name, "billing_tier": "gold"}, "description": f"key {number}"})
        for number, name in enumerate(("acme", "beta", "Zoë ☕"))
    ]
    ids = [key["public_id"] for key in keys]
    time.sleep(0.02)  # the next changes count from a later millisecond
    edit = {"tags": {"customer_id": "moved", "billing_tier": None}}
    http.patch(
        f"/admin/api-keys/{ids[0]}", json=edit, headers={"Content-Type": "application/merge-patch+json"}
    ).raise_for_status()
    position = http.delete(f"/admin/api-keys/{ids[2]}").raise_for_status().json()["position"]
    write_rows(folder, ids)
    while (bill := http.get("/billing/usage", params=GROUPED).json()).get("position", 0) < position:
        time.sleep(0.1)
    return {
        "keys": http.get("/admin/api-keys").json()["items"],
        "history": http.get(f"/admin/api-keys/{ids[0]}/history").json()["items"],
        "bill": bill,
        "api_key": keys[1]["api_key"],
    }


def created(http: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    """A new key."""
    made: dict[str, Any] = http.post("/admin/api-keys", json=body).raise_for_status().json()
    return made


def write_rows(folder: Path, ids: list[str]) -> None:
    """Four inferences of each key, from just before its end on, as a gateway writes them."""
    now = int(time.time() * 1000)
    for number in range(1, 4 * len(ids) + 1):
        key, later = ids[(number - 1) // 4], (number - 1) % 4
        inference, row = uuid7(now - 5 + later, number), uuid7(now - 4 + later, 100 + number)
        chat = f"'{inference}', 'f', '{inference}', map('{_KEY}', '{key}')"
        insert(folder, "ChatInference (id, function_name, episode_id, tags)", chat)
        columns = "id, inference_id, model_name, model_provider_name, input_tokens, output_tokens, cached, cost"
        values = f"'{row}', '{inference}', 'm{later % 2}', 'p', {10 * number}, {number}, false, {number}.25"
        insert(folder, f"ModelInference ({columns})", values)


def insert(folder: Path, into: str, values: str) -> None:
    """Insert one row into a table of the gateway's, by the operator's command."""
    statement = f"INSERT INTO tensorzero.{into} VALUES ({values})"
    command = [sys.executable, "-m", "keyledger.cli", "sql", "--data", str(folder), statement]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def uuid7(at_ms: int, number: int) -> uuid.UUID:
    """A version 7 UUID of an instant."""
    return uuid.UUID(int=at_ms << 80 | 0x7100 << 64 | 0b10 << 62 | number)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
