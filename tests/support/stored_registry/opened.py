"""The registry that an old commit made (tests/golden/stored), unpacked for a test, and what it answered then."""

from __future__ import annotations

import json
import os
import platform
import tarfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from keyledger.embedded.postgresql.account import service_account
from tests.support.stored_registry.questions import understood, without_progress, written

STORED: Final = Path(__file__).parents[2] / "golden" / "stored"
ARCHIVE: Final = STORED / "archive"
# The bill's echo of its question, and what it says of wrong clocks: a later version may only add such members.
GAINED: Final = frozenset(
    {
        *("time_zone", "tzdata_version", "tag", "after_now", "usage_known_at", "uncollected", "anchored_at", "key"),
        *("cache_read_tokens", "cache_write_tokens", "charges", "unrated", "scheduled"),
        *("status", "expires_at", "last_used_at", "confined_to", "successor", "position"),  # of admin tokens
    }
)
MADE: Final = datetime(2026, 11, 25, 21, 41, tzinfo=UTC)


def needs_x86_64() -> None:
    """Skip where PostgreSQL can't open the stored folder: it is bound to the architecture that made it."""
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        pytest.skip(f"the stored PostgreSQL folder was made on x86-64; this machine is {platform.machine()}")


def unpack(folder: Path, archive: Path = STORED / "data.tar.xz") -> None:
    """Unpack a stored data folder; as root, PostgreSQL's part goes to the account that it runs as."""
    assert datetime.now(UTC) > MADE, "this machine's clock is before the stored registry was made"
    with tarfile.open(archive) as tar:
        # `data` would open PostgreSQL's folder to its group. The oldest 3.11 know no filters.
        tar.extraction_filter = getattr(tarfile, "tar_filter", lambda member, _path: member)
        tar.extractall(folder)  # noqa: S202 - our own archive
    folder.chmod(0o700)
    account = service_account()
    if account is not None:
        for root, _, files in os.walk(folder / "postgres" / "data"):
            for path in (root, *(os.path.join(root, file) for file in files)):  # noqa: PTH118 - as os.walk says it
                os.chown(path, account.uid, account.gid)


def stored_token() -> str:
    """The first admin token of the stored folder."""
    with tarfile.open(STORED / "data.tar.xz") as tar:
        file = tar.extractfile("admin-token")
        assert file is not None
        return file.read().decode("ascii")


def lines(name: str) -> list[Any]:
    """The stored lines of a file."""
    return [json.loads(line) for line in (STORED / name).read_text(encoding="utf-8").splitlines()]


async def assert_same_answers(http: httpx.AsyncClient, asked: Iterable[dict[str, Any]]) -> None:
    """Each call is answered as it was, to the byte, but for the members that answers have gained since."""
    for question in asked:
        response = await http.get(question["get"])
        assert response.status_code == 200, response.text
        answer = without_gained(understood(response), question["answer"])
        assert (question["get"], answer) == (question["get"], question["answer"])
        assert written(answer) == written(question["answer"])
        assert without_progress(response) == written(understood(response))
        assert response.headers.get("Keyledger-Position") == question["position"]


def without_gained(now: Any, was: Any, name: str = "") -> Any:
    """An answer without the members that the stored one had not yet; their order stays."""
    if name == "cost_usd" and (now, was) == (None, "0"):
        return was  # where not one row has a cost, the bill came to say that it is not known
    if isinstance(now, dict) and isinstance(was, dict):
        kept = {name: value for name, value in now.items() if name in was or name not in GAINED}
        return {name: without_gained(value, was.get(name), name) for name, value in kept.items()}
    if isinstance(now, list) and isinstance(was, list) and len(now) == len(was):
        return [without_gained(a, b) for a, b in zip(now, was, strict=True)]
    return now
