"""A command that fails says in words what is away, where, and what to do: never in a traceback, never with a secret."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from pathlib import Path

import pytest

from keyledger import cli
from tests.support.processes.forked import Forked, run_forked
from tests.support.processes.in_process import run_in_process
from tests.support.servers.databases import Database, plain

SECRET = "correct-horse-battery"
# Nothing listens on port 1 of this machine.
CLOSED = f"postgresql://app:{SECRET}@127.0.0.1:1/ledger"
NO_LOG = {"KEYLEDGER_DATABASE_URL": CLOSED, "KEYLEDGER_GATEWAY_DATABASE_URL": CLOSED}
NO_CLICKHOUSE = {"KEYLEDGER_CLICKHOUSE_URL": f"http://app:{SECRET}@127.0.0.1:1"}
NO_BROKER = {"KEYLEDGER_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
PERIOD = ("--since", "2026-03-01T00:00:00Z", "--until", "2026-04-01T00:00:00Z")
WITHOUT_LOG = {
    "migrate": (),
    "serve": ("--port", "0"),
    "publish": (),
    "project clickhouse": (),
    "project gateway": (),
    "token list": (),
    "keys list": (),
    "status": (),
    "audit history log-clock": (),
    "publish --since 1": (),
    "bill": PERIOD,
}


def in_words(code: int, out: str, err: str) -> str:
    """What was said, in one line and no traceback."""
    assert (code, out) == (1, ""), err
    assert "Traceback" not in err
    assert SECRET not in err
    lines = [line for line in err.splitlines() if line.startswith("keyledger: ")]
    assert len(lines) == 1, err
    return lines[0]


@pytest.mark.parametrize("command", WITHOUT_LOG)
async def test_a_log_that_is_away_is_named_by_every_command(command: str) -> None:
    environ = NO_LOG | NO_CLICKHOUSE | NO_BROKER
    said = in_words(*await run_forked(*command.split(), *WITHOUT_LOG[command], environ=environ))
    assert "PostgreSQL at 127.0.0.1:1, database ledger, user app: connection refused" in said


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("ddl",), r"ClickHouse at http://127\.0\.0\.1:1, user app: connection refused.*KEYLEDGER_CLICKHOUSE_URL"),
        (("bill", *PERIOD), r"ClickHouse at http://127\.0\.0\.1:1, user app: connection refused"),
        (
            ("publish", "--since", "1"),
            r"Kafka at 127\.0\.0\.1:1: connection refused.*KEYLEDGER_KAFKA_BOOTSTRAP_SERVERS",
        ),
        (("project", "gateway", "--create-table"), r"PostgreSQL at 127\.0\.0\.1:1, database ledger, user app: "),
    ],
)
async def test_what_else_is_away_is_named_by_its_address(
    database: Database, command: tuple[str, ...], said: str
) -> None:
    environ = NO_LOG | NO_CLICKHOUSE | NO_BROKER | {"KEYLEDGER_DATABASE_URL": plain(database.app_url)}
    assert re.search(said, in_words(*await run_forked(*command, environ=environ)))


async def test_an_engine_whose_folder_can_not_be_had_is_named_by_it() -> None:
    """It was `refused the statement: repeating it will not help`."""
    said = in_words(*await run_forked("ddl", environ={"KEYLEDGER_CLICKHOUSE_URL": "chdb:///proc/nowhere"}))
    assert "The embedded engine in /proc/nowhere: see that its folder can be written" in said


async def test_files_that_are_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xff")
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "manifest.json").mkdir()
    for command in (
        ("status", "--data", str(tmp_path / "file")),
        ("up", "--data", str(tmp_path / "file")),
        ("audit", "import", str(tmp_path / "archive"), "--check"),
        ("audit", "import", str(tmp_path / "file"), "--check"),
        ("audit", "verify", "--bookmark", str(tmp_path / "file"), "--data", str(tmp_path)),
    ):
        said = in_words(*await run_forked(*command))
        assert str(tmp_path) in said or "manifest.json can't be read" in said, said


async def test_an_interrupted_command_ends_without_a_word() -> None:
    """Its server accepts, and never answers."""
    connected = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        environ = {"KEYLEDGER_DATABASE_URL": CLOSED.replace(":1/", f":{port}/"), "PATH": ""}
        process = await Forked.start("token", "list", environ=environ)
        await connected.wait()
        process.send(signal.SIGINT)
        out, err = await process.stdout.read(), await process.stderr.read()
        assert (await process.wait(), out, err) == (130, b"", b"")


async def test_a_reader_that_has_enough_makes_no_noise() -> None:
    keyledger = f"{sys.executable} -m keyledger.cli settings"
    shell = await asyncio.create_subprocess_shell(
        f"{keyledger} | head -n 1", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await shell.communicate()
    assert out.startswith(b"name")
    assert err == b""


async def test_what_nobody_foresaw_is_told_by_its_place_and_never_by_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise KeyError(SECRET)

    monkeypatch.setattr(cli, "app", fails)
    said = in_words(*await run_in_process("settings"))
    assert "KeyError in test_commands_fail.py:" in said
    monkeypatch.setenv("KEYLEDGER_LOG_LEVEL", "DEBUG")
    _, _, err = await run_in_process("settings")
    assert "in fails" in err
    assert SECRET not in err
