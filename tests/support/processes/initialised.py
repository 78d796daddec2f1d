"""A data folder on which `up` has run once: copied, it saves a test from making servers, tables and the first token."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from tests.support.processes.registry_process import RegistryProcess


class InitialisedFolder:
    """A stopped registry with nothing but its first admin token. Its copies have the same token and log id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    async def make(cls, folder: Path) -> InitialisedFolder:
        """Run `up` on a new folder, and stop it."""
        process = RegistryProcess(folder)
        await process.start()
        await process.applied_all()
        assert await process.stop() == 0
        return cls(folder)

    async def registry(self, folder: Path, *options: str, environ: Mapping[str, str] | None = None) -> RegistryProcess:
        """A registry on a copy of it that is not started; parameters as those of RegistryProcess."""
        # The server's data may belong to an account of its own: owners and permissions must stay.
        copying = await asyncio.create_subprocess_exec("cp", "-a", str(self._folder), str(folder))
        assert await copying.wait() == 0
        return RegistryProcess(folder, *options, environ=environ)
