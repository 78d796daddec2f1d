"""Folders of another owner, mode or version: the embedded PostgreSQL opens them, or says what mends them."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
from pathlib import Path

import psutil
import pytest

from keyledger.embedded.errors import FolderError, WrongMode, WrongOwner, WrongPostgresVersion
from keyledger.embedded.postgresql.processes import pid_in_file
from keyledger.embedded.postgresql.supervisor import EmbeddedPostgres

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another account")


def fix_in(error: pytest.ExceptionInfo[FolderError]) -> None:
    """Run the command that an error ends with, as an operator does."""
    command = re.search(r"[Rr]un: (ch(own|mod) .*)$", str(error.value))
    assert command is not None, str(error.value)
    subprocess.run(command[1], shell=True, check=True)  # noqa: S602 - the command is ours


@needs_root
def test_a_copy_made_by_root_says_how_to_give_it_back(folder: Path) -> None:
    with EmbeddedPostgres(folder):
        pass
    copy = folder.with_name("copy of it")
    subprocess.run(["/usr/bin/env", "cp", "-r", str(folder), str(copy)], check=True)
    with pytest.raises(WrongOwner, match="data belongs to root and not to ") as refused:
        EmbeddedPostgres(copy).start()
    fix_in(refused)
    lost = next((copy / "data" / "base").glob("*/1259"))
    os.chown(lost, 0, 0)
    with pytest.raises(WrongOwner, match=f"{lost} belongs to root") as refused:
        EmbeddedPostgres(copy).start()
    fix_in(refused)
    with EmbeddedPostgres(copy) as server:
        assert server.running


@needs_root
def test_a_folder_stays_with_the_account_that_it_belongs_to(folder: Path) -> None:
    other = pwd.getpwnam("nobody")
    with EmbeddedPostgres(folder):
        pass
    for path in (folder / "data", *(folder / "data").rglob("*")):
        os.chown(path, other.pw_uid, other.pw_gid)
    with EmbeddedPostgres(folder) as server:
        assert psutil.Process(pid_in_file(folder / "data")).uids().real == other.pw_uid
        assert "`nobody`" in (server.account_warning or "")


def test_wrong_modes_are_refused_with_what_mends_them(folder: Path) -> None:
    with EmbeddedPostgres(folder):
        pass
    data = folder / "data"
    data.chmod(0o755)
    with pytest.raises(WrongMode, match="mode 0755") as refused:
        EmbeddedPostgres(folder).start()
    fix_in(refused)
    (data / "global" / "pg_control").chmod(0o400)
    (data / "base").chmod(0o600)
    with pytest.raises(WrongMode, match=r"mode 0.00, and its owner must") as refused:
        EmbeddedPostgres(folder).start()
    fix_in(refused)
    (data / "pg_hba.conf").chmod(0o644)  # as an editor may leave it: no reason to refuse
    with EmbeddedPostgres(folder) as server:
        assert server.running


def test_a_folder_of_another_postgresql_is_refused_with_both_versions(folder: Path) -> None:
    with EmbeddedPostgres(folder):
        pass
    version = folder / "data" / "PG_VERSION"
    version.write_text("19\n", encoding="ascii")
    with pytest.raises(WrongPostgresVersion, match=r"PostgreSQL 19 made .* has PostgreSQL 18: go on with"):
        EmbeddedPostgres(folder).start()
    version.write_text("18\n", encoding="ascii")
    with EmbeddedPostgres(folder) as server:
        assert server.running
