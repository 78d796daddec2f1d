"""A copy of a folder that root made without its owners: every command says in one line what gives them back."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from keyledger.embedded.postgresql.account import service_account
from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.running import started


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another account")
async def test_a_copy_without_its_owners_opens_after_the_command_that_the_error_names(
    tmp_path: Path, initialised: InitialisedFolder
) -> None:
    registry = await initialised.registry(tmp_path / "data")
    data, account = registry.folder / "postgres" / "data", service_account()
    assert account is not None
    await run(f"chown -R root: {data}")
    fix = f"chown -R {account.name}: {data}"
    for command in (("up", "--port", "0"), ("status",)):
        code, out, err = await registry.ask(*command)
        said = [line for line in err.splitlines() if line.startswith("keyledger: ")]
        assert (code, out, len(said), "Traceback" in err) == (1, "", 1, False), err
        assert said[0].endswith(f"run: {fix}")
    await run(fix)
    async with started(registry):
        pass
    shared = f"PostgreSQL runs as the account `{account.name}`"
    assert (shared in registry.log.read_text(encoding="utf-8")) is (account.name != "keyledger")


async def run(command: str) -> None:
    """Run it as an operator does."""
    process = await asyncio.create_subprocess_shell(command)
    assert await process.wait() == 0
