"""A new PostgreSQL data folder: initdb, our database and the application's role, all there or not there at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from keyledger.embedded.errors import PostgresNotInitialised, WrongPostgresVersion
from keyledger.embedded.postgresql.binaries import MAJOR
from keyledger.embedded.postgresql.launch import Launcher
from keyledger.embedded.private_file import sync_folder

OWNER: Final = "keyledger"
APPLICATION: Final = "keyledger_app"
DATABASE: Final = "keyledger"
_INITDB: Final = (
    "--auth=scram-sha-256", f"--username={OWNER}", "--encoding=UTF8", "--locale=C", "--data-checksums",
)  # fmt: skip
# In single-user mode one statement is one line. Passwords here are of our own alphabet, without quotes.
_ROLES: Final = """\
CREATE ROLE {application} LOGIN PASSWORD '{password}';
CREATE DATABASE {database} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
REVOKE ALL ON DATABASE postgres FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO {application};
"""
_SCHEMA: Final = "REVOKE ALL ON SCHEMA public FROM PUBLIC;\n"
_TIMEOUT_S: Final = 300.0


def make_cluster(data: Path, launcher: Launcher, owner_password: str, application_password: str) -> None:
    """Make `data` with both roles and the database. A kill at any instant leaves no `data`, or the whole of it.

    Raises PostgresNotInitialised. No password is on a command line, in the environment or in a log.
    """
    for leftover in data.parent.glob(f"{data.name}.new-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=f"{data.name}.new-", dir=data.parent))
    try:
        if launcher.account is not None:
            os.chown(work, launcher.account.uid, launcher.account.gid)
        _initdb(work, launcher, owner_password)
        roles = _ROLES.format(application=APPLICATION, database=DATABASE, owner=OWNER, password=application_password)
        _single_user(work, launcher, "postgres", roles)
        _single_user(work, launcher, DATABASE, _SCHEMA)
        work.rename(data)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise PostgresNotInitialised(
            f"PostgreSQL could not make its data folder below {data.parent} ({exc}): choose another with --data."
        ) from exc
    finally:
        shutil.rmtree(work, ignore_errors=True)
    sync_folder(data.parent)


def check_version(data: Path) -> None:
    """Raise WrongPostgresVersion if another major version of PostgreSQL made the folder: ours can't open it."""
    found = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    if found == MAJOR:
        return
    by = "the version of Keyledger that last used the folder"
    fix = f"go on with {by}, or export the log with it (`keyledger audit export`) and import it into a new folder"
    raise WrongPostgresVersion(f"PostgreSQL {found} made {data}, and this Keyledger has PostgreSQL {MAJOR}: {fix}.")


def _initdb(work: Path, launcher: Launcher, password: str) -> None:
    # initdb reads the password from a file: one without a name, that only the account can open.
    with tempfile.TemporaryFile() as file:
        file.write(password.encode() + b"\n")
        file.flush()
        file.seek(0)
        if launcher.account is not None:
            os.fchown(file.fileno(), launcher.account.uid, launcher.account.gid)
        arguments = (*_INITDB, f"--pwfile=/dev/fd/{file.fileno()}")
        done = subprocess.run(
            launcher.command("initdb", work, *arguments), pass_fds=[file.fileno()], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=_TIMEOUT_S, check=False, **launcher.options(work),
        )  # fmt: skip
    if done.returncode != 0:
        last = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1].removeprefix("initdb: ")
        raise PostgresNotInitialised(
            f"PostgreSQL could not make its data folder below {work.parent}: {last}. Choose another with --data."
        )


def _single_user(work: Path, launcher: Launcher, database: str, statements: str) -> None:
    program, *rest = launcher.command("postgres", work, "-c", "exit_on_error=on", "-c", "log_min_error_statement=panic")
    done = subprocess.run(
        [program, "--single", *rest, database],  # --single must come first
        input=statements, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False, **launcher.options(work),
    )  # fmt: skip
    if done.returncode != 0:  # its output is not quoted: the statements hold a password
        raise PostgresNotInitialised("PostgreSQL could not make the roles of Keyledger in its new data folder.")
