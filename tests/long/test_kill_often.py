"""The long form of tests/acceptance/test_kill.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.processes.chaos import survive
from tests.support.processes.registry_process import RegistryProcess


@pytest.mark.long
@pytest.mark.timeout(1500)
async def test_twenty_kills_under_load_lose_nothing(tmp_path: Path) -> None:
    await survive(RegistryProcess(tmp_path / "data"), seed=2, kills=20, writes=400)
