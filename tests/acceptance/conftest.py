"""What the stories start from."""

from __future__ import annotations

import pytest

from tests.support.processes.initialised import InitialisedFolder


@pytest.fixture(scope="session")
async def initialised(tmp_path_factory: pytest.TempPathFactory) -> InitialisedFolder:
    """For stories that are not about a first start."""
    return await InitialisedFolder.make(tmp_path_factory.mktemp("initialised") / "data")
