"""The zone of the machine changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.processes.forked import run_forked
from tests.support.processes.initialised import InitialisedFolder


@pytest.mark.parametrize("zone", ["Nowhere/Else", pytest.param("", marks=pytest.mark.long)])
async def test_any_value_of_tz_will_do(tmp_path: Path, initialised: InitialisedFolder, zone: str) -> None:
    registry = await initialised.registry(tmp_path / "data")
    question = ("sql", "SELECT toString(toDateTime(0)) AS zero, timezone() AS zone", "--json")
    code, out, err = await run_forked(*question, "--data", str(registry.folder), environ={"TZ": zone})
    assert code == 0, err
    assert '"1970-01-01 00:00:00"' in out
    assert '"UTC"' in out
