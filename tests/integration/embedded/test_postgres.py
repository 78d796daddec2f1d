"""The embedded PostgreSQL: private, durable, restartable after every kind of end, and never two on one folder."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from keyledger.embedded.errors import (
    FolderInUse,
    PostgresError,
    PostgresNotStarted,
)
from keyledger.embedded.postgresql import supervisor
from keyledger.embedded.postgresql.account import service_account
from keyledger.embedded.postgresql.processes import pid_in_file
from keyledger.embedded.postgresql.supervisor import EmbeddedPostgres
from registry.db.connection import make_engine

pytestmark = pytest.mark.xdist_group("embedded-postgres")  # one server for the file

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another account")

# Starts a server, says so, and waits to be killed.
HOLDER = """
import sys
from pathlib import Path
from keyledger.embedded.postgresql.supervisor import EmbeddedPostgres

server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
print("ready", flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture(scope="module")
def standing_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("closed") / "postgres"


@pytest.fixture(scope="module")
def standing(standing_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A server for those who only look at it."""
    with EmbeddedPostgres(standing_folder) as running:
        yield running


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(folder) as running:
        yield running


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        yield connection
    finally:
        with suppress(BrokenPipeError):  # of a server that was killed meanwhile
            await connection.close(timeout=5)


async def ask(url: str, sql: str) -> Any:
    async with connected(url) as connection:
        return await connection.fetchval(sql)


async def write(server: EmbeddedPostgres, word: str) -> None:
    async with connected(server.owner_url) as connection:
        await connection.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
        await connection.execute("INSERT INTO kept VALUES ($1)", word)


async def words(server: EmbeddedPostgres) -> Any:
    return await ask(server.owner_url, "SELECT string_agg(word, ' ' ORDER BY word) FROM kept")


def postmaster(folder: Path) -> psutil.Process:
    pid = pid_in_file(folder / "data")
    assert pid is not None
    return psutil.Process(pid)


def gone(process: psutil.Process) -> bool:
    """Whether it has ended; where nobody reaps orphans, as in some containers, a zombie is left of it."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def hold(folder: Path, *prefix: str) -> subprocess.Popen[str]:
    command = [*prefix, sys.executable, "-c", HOLDER, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def end_holder(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


async def test_the_owner_may_migrate_and_the_application_may_do_nothing_yet(standing: EmbeddedPostgres) -> None:
    assert await ask(standing.owner_url, "SELECT current_user || ' ' || current_database()") == "keyledger keyledger"
    assert await ask(standing.app_url, "SELECT current_user") == "keyledger_app"
    for statement in ("CREATE TABLE public.t ()", "CREATE SCHEMA s", "CREATE TEMPORARY TABLE t ()", "CREATE ROLE r"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ask(standing.app_url, statement)


async def test_what_is_committed_is_on_disk_and_checked_when_it_is_read(standing: EmbeddedPostgres) -> None:
    names = ("fsync", "full_page_writes", "synchronous_commit", "data_checksums")
    assert [await ask(standing.owner_url, f"SHOW {name}") for name in names] == ["on"] * 4


async def test_the_database_is_utf8_in_the_c_locale(standing: EmbeddedPostgres) -> None:
    sql = "SELECT pg_encoding_to_char(encoding) || ' ' || datcollate FROM pg_database WHERE datname = 'keyledger'"
    assert await ask(standing.owner_url, sql) == "UTF8 C"


def listening(folder: Path) -> list[Any]:
    """The TCP addresses that the server listens on."""
    connections = postmaster(folder).net_connections("inet")
    return [tuple(one.laddr) for one in connections if one.status == psutil.CONN_LISTEN]


async def test_it_opens_no_port_and_its_socket_is_closed_to_others(
    standing: EmbeddedPostgres, standing_folder: Path
) -> None:
    assert await ask(standing.app_url, "SHOW listen_addresses") == ""
    assert listening(standing_folder) == []
    (place,) = [path for path in (standing_folder / "data").iterdir() if path.is_socket()]
    assert stat.S_IMODE(place.stat().st_mode) == 0o700


@pytest.mark.parametrize("role", ["keyledger", "keyledger_app"])
async def test_its_socket_asks_for_a_password(standing: EmbeddedPostgres, role: str) -> None:
    url = make_url(standing.app_url).set(username=role, password="wrong")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(url.render_as_string(hide_password=False), "SELECT 1")


async def test_with_a_port_it_listens_on_loopback_alone_and_asks_for_a_password(folder: Path) -> None:
    with EmbeddedPostgres(folder, tcp_port=0) as server:
        port = int((folder / "port").read_text(encoding="ascii"))
        assert listening(folder) == [("127.0.0.1", port)]
        with pytest.raises(asyncpg.InvalidPasswordError):
            await ask(f"postgresql://keyledger:wrong@127.0.0.1:{port}/keyledger", "SELECT 1")
        assert await ask(server.owner_url, "SELECT inet_server_port()") == port
    with EmbeddedPostgres(folder) as server:
        assert not (folder / "port").exists(), "the port of another start leads somewhere else by now"
        assert await ask(server.owner_url, "SELECT inet_server_port()") is None


@pytest.mark.parametrize("name", ["x" * 120, "a, b & {c} %2F 東京"])
async def test_its_folder_may_have_any_name(folder: Path, name: str) -> None:
    with EmbeddedPostgres(folder / name) as server:
        engine = make_engine(server.owner_url)
        async with engine.connect() as connection:
            assert await connection.scalar(text("SELECT current_user")) == "keyledger"
        await engine.dispose()
        assert await ask(server.app_url, "SELECT current_user") == "keyledger_app"


async def test_passwords_are_in_private_files_alone(standing: EmbeddedPostgres, standing_folder: Path) -> None:
    secrets = [
        (standing_folder / f"{whose}-password").read_text(encoding="ascii").strip() for whose in ("owner", "app")
    ]
    await ask(standing.app_url, "SELECT 1")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await ask(standing.owner_url, f"SELECT 1 / length('') WHERE '{secrets[0]}' <> ''")
    process = postmaster(standing_folder)
    seen = [
        *process.cmdline(),
        *process.environ().values(),
        (standing_folder / "postgres.log").read_text(encoding="utf-8"),
    ]
    assert not [secret for secret in secrets for text in seen if secret in text]


@pytest.mark.usefixtures("standing")
def test_its_folder_and_files_are_closed_to_others(standing_folder: Path) -> None:
    files = [path for path in standing_folder.iterdir() if path.is_file()]
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in files} == dict.fromkeys(
        ("app-password", "lock", "owner-password", "postgres.log"), 0o600
    )
    assert (
        stat.S_IMODE(standing_folder.stat().st_mode) == stat.S_IMODE((standing_folder / "data").stat().st_mode) == 0o700
    )


def test_it_never_runs_as_root_and_takes_nothing_of_our_session_or_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    with EmbeddedPostgres(folder):
        process = postmaster(folder)
        account = service_account()
        assert process.uids().real == (os.geteuid() if account is None else account.uid) != 0
        assert os.getsid(process.pid) == process.pid  # Ctrl-C in our terminal does not reach it
        assert "PGPORT" not in process.environ()


async def test_a_restart_continues_with_what_was_written(server: EmbeddedPostgres) -> None:
    await write(server, "first")
    url = server.app_url
    server.stop()
    assert not server.running
    with pytest.raises(PostgresError):
        _ = server.app_url
    server.start()
    server.start()
    assert await words(server) == "first"
    assert server.app_url.split("@")[0] == url.split("@")[0]


def test_a_second_one_on_the_folder_is_refused_and_leaves_the_first_alone(
    standing: EmbeddedPostgres, standing_folder: Path
) -> None:
    with pytest.raises(FolderInUse, match=f"process {os.getpid()}"):
        EmbeddedPostgres(standing_folder).start()
    assert standing.running


async def test_a_server_whose_supervisor_was_killed_is_sent_away_by_the_next(folder: Path) -> None:
    holder = hold(folder)
    left = postmaster(folder)
    with pytest.raises(FolderInUse):
        EmbeddedPostgres(folder).start()
    end_holder(holder)
    assert not gone(left), "the server goes on without its supervisor"
    with EmbeddedPostgres(folder) as server:
        assert gone(left)
        await write(server, "after")
        assert await words(server) == "after"


@needs_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv, of util-linux, is not installed")
def test_root_that_may_not_look_into_processes_stops_its_server_all_the_same(folder: Path) -> None:
    """As in a container: there root has no CAP_SYS_PTRACE, and PostgreSQL is another account's."""
    bound = ("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace")
    end_holder(hold(folder, *bound))
    left = postmaster(folder)
    assert not gone(left)
    again = hold(folder, *bound)
    assert gone(left)
    last = postmaster(folder)
    again.communicate()
    assert again.returncode == 0
    assert gone(last)


async def kill_postmaster(folder: Path) -> None:
    postmaster(folder).kill()


async def kill_all(folder: Path) -> None:
    leader = postmaster(folder)
    for process in [leader, *leader.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("end", [kill_postmaster, kill_all])
async def test_it_starts_again_at_once_after_its_processes_were_killed(
    server: EmbeddedPostgres, folder: Path, end: Callable[[Path], Any]
) -> None:
    for turn in ("one", "three", "two"):
        await write(server, turn)
        async with connected(server.app_url):  # a session that has to go first
            await end(folder)
            server.stop()
            server.start()
        assert turn in await words(server)
    assert await words(server) == "one three two"


async def test_the_server_heals_itself_when_one_of_its_processes_was_killed(
    server: EmbeddedPostgres, folder: Path
) -> None:
    await write(server, "before")
    async with connected(server.app_url) as session:
        next(child for child in postmaster(folder).children() if child.pid == session.get_server_pid()).kill()
    async with asyncio.timeout(30):
        while server.running:
            with suppress(OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
                assert await words(server) == "before"
                break
    assert server.running


async def test_a_supervisor_and_its_server_both_killed_lose_nothing(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        await write(server, "before")
    holder = hold(folder)
    leader = postmaster(folder)
    end_holder(holder)
    leader.kill()
    with EmbeddedPostgres(folder) as server:
        assert await words(server) == "before"


def test_a_pid_file_whose_pid_another_program_has_by_now_is_no_server(folder: Path) -> None:
    with EmbeddedPostgres(folder):
        lines = (folder / "data" / "postmaster.pid").read_text(encoding="ascii").splitlines()
    account = service_account()
    uid = None if account is None else account.uid
    # A program of the same account that is no postgres, as after a restart of a container.
    other = subprocess.Popen(["/usr/bin/env", "cat"], stdin=subprocess.PIPE, user=uid, cwd="/")
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (folder / "data" / name).write_text("\n".join([str(other.pid), *lines[1:], ""]), encoding="ascii")
    with EmbeddedPostgres(folder) as server:
        assert server.running
        assert postmaster(folder).pid != other.pid
    other.communicate()


def test_a_folder_half_made_by_a_killed_start_is_made_anew(folder: Path) -> None:
    (folder / "data.new-killed").mkdir(parents=True)
    (folder / "data.new-killed" / "PG_VERSION").write_text("18\n", encoding="ascii")
    with EmbeddedPostgres(folder) as server:
        assert server.running
    assert not list(folder.glob("data.new-*"))


def test_a_failed_start_says_why_without_secrets_and_frees_the_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "_RETRY_FOR_S", 0.0)
    with EmbeddedPostgres(folder):
        secret = (folder / "owner-password").read_text(encoding="ascii").strip()
    configuration = folder / "data" / "postgresql.auto.conf"
    configuration.write_text(f"no_such_setting = '{secret}'\n", encoding="ascii")
    with pytest.raises(PostgresNotStarted, match="no_such_setting") as caught:
        EmbeddedPostgres(folder).start()
    assert secret not in str(caught.value)
    configuration.write_text("", encoding="ascii")
    with EmbeddedPostgres(folder) as server:
        assert server.running
