"""Data folders of still older commits open, verify and bill the same today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes.registry_process import RegistryProcess
from tests.support.stored_registry.make_older import GROUPED
from tests.support.stored_registry.opened import STORED, needs_x86_64, unpack, without_gained
from tests.support.waiting import eventually

OLDER = sorted((STORED / "older").iterdir())


@pytest.mark.parametrize("stored", [pytest.param(one, id=one.name, marks=pytest.mark.long) for one in OLDER])
async def test_a_folder_of_an_older_commit_opens_verifies_and_bills_the_same(stored: Path, tmp_path: Path) -> None:
    needs_x86_64()
    unpack(tmp_path / "data", stored / "data.tar.xz")
    was: dict[str, Any] = json.loads((stored / "answers.json").read_text(encoding="utf-8"))
    registry = RegistryProcess(tmp_path / "data")
    await registry.start()
    async with registry.portal() as portal:
        keys = (await portal.http.get("/admin/api-keys")).json()["items"]
        assert without_gained(keys, was["keys"]) == was["keys"]
        history = await portal.http.get(f"/admin/api-keys/{keys[-1]['public_id']}/history")
        assert history.json()["items"] == was["history"]
        # The ledger of a version without a tally is written again first, and bills are refused until it is.
        answer = await eventually(
            lambda: portal.http.get("/billing/usage", params=GROUPED), lambda one: one.status_code != 503, timeout_s=30
        )
        bill = answer.json()
        bill = without_gained(bill, was["bill"])
        for part in ("lines", "total", "late_lines", "coverage", "usage"):
            assert bill[part] == was["bill"][part], part
        assert (await portal.create({"customer_id": "today"}))["position"] == was["bill"]["position"] + 1
    code, out, err = await registry.ask("audit", "verify")
    assert code == 0, out + err
    assert await registry.stop() == 0


def test_there_are_four_of_them() -> None:
    assert len([STORED / "data.tar.xz", *OLDER]) == 4
