"""Make what tests/golden/stored holds, by the code of the commit that is to be remembered: see its README.md.

Everything goes by the command line, HTTP and SQL.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx

from tests.support.stored_registry.questions import COMMANDS, ask
from tests.support.stored_registry.story import MAPPING, Story, old_key_rows
from tests.support.stored_registry.usage import write_rows

_LEFT_OUT: Final = ("tmp", "operator.sock", "postgres/postgres.log", "postgres/port")
_TABLE: Final = "public.tensorzero_auth_api_key"
# The gateway's table as it is.
GATEWAY_TABLE: Final = f"SELECT to_jsonb(key)::text AS row FROM {_TABLE} AS key ORDER BY id"


def main(target: Path) -> None:
    """Make a registry, ask it everything, and store it in the folder `target`."""
    target.mkdir()
    with tempfile.TemporaryDirectory(prefix="stored-") as scratch:
        folder = Path(scratch) / "data"
        with running(folder) as http:
            keep(target / "secrets.json", live(http, folder, Path(scratch)))
            keep(target / "answers.ndjson", *ask(http))
            keep(target / "commands.ndjson", *(said(folder, *one) for one in COMMANDS))
            keep(
                target / "gateway_table.ndjson",
                *[json.loads(row["row"]) for row in asyncio.run(run_sql(folder, GATEWAY_TABLE))],
            )
            asyncio.run(run_sql(folder, "CHECKPOINT"))
        command(folder, "audit", "export", str(target / "archive"), "--with-credentials")
        pack(folder, target / "data.tar.xz")


def keep(file: Path, *values: Any) -> None:
    """Write values as JSON, a line each."""
    lines = (json.dumps(value, ensure_ascii=False) + "\n" for value in values)
    file.write_text("".join(lines), encoding="utf-8")


@contextmanager
def running(folder: Path) -> Iterator[httpx.Client]:
    """`keyledger up --gateway` on the folder, and a client with its first token."""
    process = subprocess.Popen(
        [sys.executable, "-m", "keyledger.cli", "up", "--gateway", "--port", "0", "--data", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = next(line for line in process.stdout if line.startswith("ready ")).split()[1]
        token = (folder / "admin-token").read_text().strip()
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as http:
            yield http
    finally:
        process.terminate()
        assert process.wait() == 0


def live(http: httpx.Client, folder: Path, scratch: Path) -> dict[str, str]:
    """All that happens; the secrets of it that a test needs."""
    story = Story(http)
    story.issue()
    billing, gone = (
        json.loads(command(folder, "token", "create", "--name", name, "--scope", scope, "--json"))
        for name, scope in (("buchhaltung ☕", "billing:read"), ("gone", "admin"))
    )
    command(folder, "token", "revoke", gone["token_id"])
    api_key = story.change()
    asyncio.run(add_old_keys(folder))
    tags = scratch / "tags.csv"
    tags.write_text(MAPPING, encoding="utf-8")
    command(folder, "import", "tensorzero", "--tags", str(tags), "--apply", "--reason", "ticket 42: the old keys")
    story.correct_old_keys()
    expires = datetime.fromisoformat(story.keys["expiring"]["expiration"])
    time.sleep(max(0.0, (expires - datetime.now(UTC)).total_seconds()) + 0.1)  # no status may change any more
    issued = [key for key in story.keys.values() if key["credentials"][0]["credential_id"] not in _old_ids()]
    for table, file in write_rows(issued, datetime.now(UTC), scratch):
        command(folder, "load", table, str(file))
    return {"billing": billing["token"], "revoked": gone["token"], "api_key": api_key}


def _old_ids() -> set[str]:
    return {row["public_id"] for row in old_key_rows()}


def command(folder: Path, *arguments: str) -> str:
    """What a command on the folder prints."""
    program = [sys.executable, "-m", "keyledger.cli", *arguments, "--data", str(folder)]
    return subprocess.run(program, check=True, stdout=subprocess.PIPE, text=True).stdout


def said(folder: Path, *arguments: str) -> dict[str, Any]:
    """A command, and what it prints."""
    return {"command": arguments, "out": json.loads(command(folder, *arguments))}


async def run_sql(folder: Path, statement: str, *arguments: Any) -> list[Mapping[str, Any]]:
    """Run a statement in the folder's PostgreSQL as the owner."""
    port, password = ((folder / "postgres" / name).read_text().strip() for name in ("port", "owner-password"))
    connection = await asyncpg.connect(
        host="127.0.0.1", port=int(port), user="keyledger", password=password, database="keyledger"
    )
    try:
        return [dict(row) for row in await connection.fetch(statement, *arguments)]
    finally:
        await connection.close()


async def add_old_keys(folder: Path) -> None:
    """Keys that the gateway has before the registry knows it."""
    for row in old_key_rows():
        values = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        await run_sql(folder, f"INSERT INTO {_TABLE} ({', '.join(row)}) VALUES ({values})", *row.values())


def pack(folder: Path, target: Path) -> None:
    """The data folder as an archive, without what the next start makes."""

    def chosen(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if member.name in _LEFT_OUT:
            return None
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member

    with tarfile.open(target, "w:xz", preset=9) as tar:
        for entry in sorted(folder.iterdir()):
            tar.add(entry, entry.name, filter=chosen)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
