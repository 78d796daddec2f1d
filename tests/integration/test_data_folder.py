"""The data folder admits one process, keeps others out, and has a private socket at a path of any length."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from keyledger.embedded.errors import FolderError, FolderInUse
from keyledger.embedded.folder import DEFAULT_FOLDER, DataFolder, choose_folder
from keyledger.embedded.operator_socket import bind_unix_socket, socket_path_for_client
from keyledger.embedded.private_file import write_private
from keyledger.embedded.server_log import ServerLog

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


def test_a_file_in_the_way_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match="cannot be used"):
        DataFolder(tmp_path / "file").acquire()


def test_the_option_counts_over_the_environment_and_that_over_the_default() -> None:
    assert choose_folder(Path("a"), {"KEYLEDGER_DATA": "b"}) == Path("a")
    assert choose_folder(None, {"KEYLEDGER_DATA": "b"}) == Path("b")
    assert choose_folder(None, {"KEYLEDGER_DATA": ""}) == choose_folder(None, {}) == DEFAULT_FOLDER


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
