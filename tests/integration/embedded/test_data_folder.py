"""The data folder admits one process, keeps others out, and has a private socket at a path of any length."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyledger.embedded.errors import FolderError, FolderInUse, WrongOwner
from keyledger.embedded.folder import DataFolder
from keyledger.embedded.operator_socket import bind_unix_socket, socket_path_for_client
from keyledger.embedded.postgresql.server_log import ServerLog
from keyledger.embedded.private_file import write_private

NOBODY = pwd.getpwnam("nobody").pw_uid

# Holds the folder, starts a child that outlives it, says so, and ends without letting go.
HOLDER = """
import os, subprocess, sys
from pathlib import Path
from keyledger.embedded.folder import DataFolder

DataFolder(Path(sys.argv[1])).acquire()
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=0, stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
os._exit(9)
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_is_private_and_knows_its_places(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "a" / "b") as folder:
        assert mode(folder.path) == 0o700
        names = [path.name for path in (folder.postgres, folder.clickhouse, folder.admin_token, folder.operator_socket)]
        assert names == ["postgres", "clickhouse", "admin-token", "operator.sock"]


def test_making_the_object_touches_nothing(tmp_path: Path) -> None:
    DataFolder(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_second_opener_is_told_who_has_it_and_may_have_it_afterwards(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "d"), pytest.raises(FolderInUse, match=f"process {os.getpid()}") as caught:
        DataFolder(tmp_path / "d").acquire()
    assert caught.value.pid == os.getpid()
    with DataFolder(tmp_path / "d"):
        pass


def test_children_do_not_hold_the_folder_of_a_process_that_has_gone(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "d")], stdin=ours, stdout=subprocess.PIPE, text=True
    )
    os.close(ours)
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    assert holder.wait() == 9
    os.kill(child, 0)  # it lives
    with DataFolder(tmp_path / "d"):
        os.close(theirs)  # and ends with its input
    holder.stdout.close()


def test_a_folder_with_other_files_is_not_taken_and_not_changed(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)
    (tmp_path / "home" / "letter.txt").touch()
    with pytest.raises(FolderError, match="holds other files"):
        DataFolder(tmp_path / "home").acquire()
    assert mode(tmp_path / "home") == 0o755
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["letter.txt"]


@pytest.fixture
def of_nobody() -> Iterator[Path]:
    """A folder of the account `nobody`, which can reach it."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files to another account")
    place = Path(tempfile.mkdtemp(dir="/var/tmp"))  # what pytest gives is closed to others
    os.chown(place, NOBODY, -1)
    yield place
    shutil.rmtree(place)


def test_a_folder_of_another_account_is_refused_with_what_makes_it_ours(of_nobody: Path) -> None:
    (of_nobody / "lock").touch()
    with pytest.raises(WrongOwner, match=f"{of_nobody} belongs to nobody: run as that account") as refused:
        DataFolder(of_nobody).acquire()
    taken = f"chown -R root: {of_nobody} && chown -R "
    assert taken in str(refused.value)
    assert str(refused.value).endswith(f": {of_nobody / 'postgres' / 'data'}")


@pytest.mark.parametrize("what", ["lock", "clickhouse", "clickhouse/store/data.bin"])
def test_files_that_root_restored_are_named_with_what_gives_them_back(of_nobody: Path, what: str) -> None:
    for one in ("lock", "clickhouse/store/data.bin", "postgres/data/PG_VERSION"):
        (of_nobody / one).parent.mkdir(parents=True, exist_ok=True)
        (of_nobody / one).touch(0o640)
    for path in of_nobody.rglob("*"):
        os.chown(path, NOBODY, -1)
    os.chown(of_nobody / what, 0, 0)
    os.chown(of_nobody / "postgres" / "data", 0, 0)  # looked at by itself
    os.seteuid(NOBODY)
    try:
        with pytest.raises(WrongOwner) as refused:
            DataFolder(of_nobody).acquire()
    finally:
        os.seteuid(0)
    assert f"{of_nobody / what} belongs to root and not to nobody" in str(refused.value)
    assert str(refused.value).endswith(f"run: sudo chown -R nobody: {of_nobody}")
    os.chown(of_nobody / what, NOBODY, -1)
    os.seteuid(NOBODY)
    try:
        with DataFolder(of_nobody):
            pass
    finally:
        os.seteuid(0)


def test_a_file_in_the_way_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match="cannot be used"):
        DataFolder(tmp_path / "file").acquire()


@pytest.mark.parametrize("depth", [1, 4])
def test_the_operator_socket_is_private_and_reached_however_long_its_path(tmp_path: Path, depth: int) -> None:
    deep = tmp_path.joinpath(*["x" * 60] * depth)
    with DataFolder(deep) as folder:
        with bind_unix_socket(folder) as server:
            server.listen()
            assert mode(folder.operator_socket) == 0o600
            assert exchange(folder, server) == b"hello"
        # A killed process leaves its socket behind: the next one takes the name over.
        with bind_unix_socket(folder) as server:
            server.listen()
            assert exchange(folder, server) == b"hello"
        assert [path.name for path in deep.iterdir() if path.is_socket()] == ["operator.sock"]


def exchange(folder: DataFolder, server: socket.socket) -> bytes:
    with socket_path_for_client(folder) as path, socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        accepted, _ = server.accept()
        with accepted:
            accepted.sendall(b"hello")
            return client.recv(5)


def test_the_socket_has_its_mode_from_the_first_instant_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with DataFolder(tmp_path / "d") as folder, bind_unix_socket(folder):
            assert mode(folder.operator_socket) == 0o600
    finally:
        os.umask(before)


def test_a_private_file_is_replaced_whole_and_stays_private(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old and longer", encoding="utf-8")
    path.chmod(0o644)
    write_private(path, "new")
    assert (path.read_text(encoding="utf-8"), mode(path)) == ("new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_a_long_log_is_cut_while_its_writer_goes_on(tmp_path: Path) -> None:
    log = ServerLog(tmp_path / "log")
    writer = log.open()
    try:
        os.write(writer, b"old line\n" * 1_000_000)
        log.cut()
        offset = log.size()
        os.write(writer, b"new line\n")
    finally:
        os.close(writer)
    assert (offset, log.lines_since(offset)) == (0, ["new line"])
    kept = tmp_path / "log.1"
    assert kept.stat().st_size == 1024 * 1024
    assert kept.read_text(encoding="utf-8").endswith("old line\n")
    assert mode(kept) == mode(log.path) == 0o600
