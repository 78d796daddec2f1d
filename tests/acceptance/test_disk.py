"""A nearly full disk: nothing is opened on it, and what runs records only what stops a key until there is room."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.processes.initialised import InitialisedFolder
from tests.support.small_disk import small_disk
from tests.support.waiting import eventually

LEAST_MIB = 100


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of half a gigabyte."""
    with small_disk(tmp_path / "small", mib=512) as place:
        yield place


async def test_no_folder_is_opened_on_a_disk_without_room(tmp_path: Path, initialised: InitialisedFolder) -> None:
    more = {"KEYLEDGER_DISK_FREE_MIN_MIB": "1000000"}
    process = await initialised.registry(tmp_path / "data", environ=more)
    with pytest.raises(AssertionError, match=r"KEYLEDGER_DISK_FREE_MIN_MIB\. Nothing was opened: make room"):
        await process.start()
    assert not process.postmasters()


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_disk_that_fills_up_refuses_changes_but_stops_and_goes_on_when_there_is_room(
    small: Path, initialised: InitialisedFolder
) -> None:
    process = await initialised.registry(small / "data", environ={"KEYLEDGER_DISK_FREE_MIN_MIB": str(LEAST_MIB)})
    await process.start()
    ballast = small / "ballast"

    def fill(left_mib: int) -> None:
        there = os.statvfs(small)
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, there.f_bavail * there.f_frsize - (left_mib << 20))

    async with process.portal() as portal:
        key = await portal.create({"customer_id": "acme"})
        fill(LEAST_MIB - 20)
        with pytest.raises(httpx.HTTPStatusError) as refused:
            await portal.create({"customer_id": "globex"})
        assert refused.value.response.status_code == 503
        assert "only what stops a key" in refused.value.response.json()["detail"]
        assert (await portal.revoke(key["public_id"]))["status"] == "revoked"
        code, out, _ = await process.ask("status")
        assert code == 1
        assert "changes_refused" in out
        ballast.unlink()

        async def created() -> bool:
            try:
                await portal.create({"customer_id": "initech"})
            except httpx.HTTPStatusError:
                return False
            return True

        assert await eventually(created, bool, timeout_s=20)
    assert await process.stop() == 0
    fill(LEAST_MIB - 20)
    with pytest.raises(AssertionError, match="Nothing was opened"):
        await process.start()
    ballast.unlink()
    await process.start()
    assert (await process.ask("audit", "verify"))[0] == 0
    assert await process.stop() == 0
