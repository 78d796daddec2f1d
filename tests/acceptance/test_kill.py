"""kill -9 of the whole process loses nothing that was acknowledged, and bills stay right."""

from __future__ import annotations

from pathlib import Path

from tests.support.processes.chaos import survive
from tests.support.processes.initialised import InitialisedFolder


async def test_two_kills_under_load_lose_nothing(tmp_path: Path, initialised: InitialisedFolder) -> None:
    await survive(await initialised.registry(tmp_path / "data"), seed=1, kills=2, writes=150)
