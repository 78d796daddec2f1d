"""How a command reaches the registry: a running `up` over its socket, a data folder that it opens itself, or, by
settings, the production databases. In each case the command speaks HTTP to the operator's app.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from keyledger.embedded.errors import FolderError, FolderInUse
from keyledger.embedded.folder import DataFolder
from keyledger.embedded.operator_socket import socket_path_for_client
from keyledger.settings import Settings, chosen_folder

# What runs a registry is imported where one is opened: a command that finds a running one starts in a fraction of the
# time, and a production install has no engine to import.

_BASE = "http://operator"
_TIMEOUT = httpx.Timeout(None, connect=5.0)
# A process that has just taken the folder needs a moment until its socket is there.
_STARTING_S = 15.0


@asynccontextmanager
async def operator(data: Path | None, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the operator's app. Raises SettingsError, EmbeddedError, RegistryError, ProjectionError."""
    chosen = chosen_folder(data, settings)
    if chosen is None:
        (database_url,) = settings.require("database_url")
        from keyledger.http.app import operator_app  # noqa: PLC0415 - see above
        from keyledger.runtime.services import open_services  # noqa: PLC0415 - see above

        async with open_services(settings, database_url, settings.clickhouse_url) as services:
            transport = httpx.ASGITransport(operator_app(services))
            async with httpx.AsyncClient(transport=transport, base_url=_BASE, timeout=_TIMEOUT) as client:
                yield client
        return
    folder = DataFolder(chosen)
    if not folder.postgres.exists():
        raise FolderError(
            f"there is no registry in {folder.path}: name yours with --data or KEYLEDGER_DATA, that of a server with "
            f"KEYLEDGER_DATABASE_URL, or make one with `keyledger up --data {folder.path}`."
        )
    async with _embedded(folder, settings) as client:
        yield client


@asynccontextmanager
async def _embedded(folder: DataFolder, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    try:
        folder.acquire()
    except FolderInUse:
        async with _over_socket(folder) as client:
            yield client
        return
    try:
        from keyledger.embedded.stack import open_stack  # noqa: PLC0415 - see above
        from keyledger.http.app import operator_app  # noqa: PLC0415 - see above

        async with open_stack(folder, settings) as stack:
            transport = httpx.ASGITransport(operator_app(stack.services, stack.failure))
            async with httpx.AsyncClient(transport=transport, base_url=_BASE, timeout=_TIMEOUT) as client:
                yield client
    finally:
        folder.release()


@asynccontextmanager
async def _over_socket(folder: DataFolder) -> AsyncIterator[httpx.AsyncClient]:
    deadline = asyncio.get_running_loop().time() + _STARTING_S
    with socket_path_for_client(folder) as path:
        transport = httpx.AsyncHTTPTransport(uds=path)
        async with httpx.AsyncClient(transport=transport, base_url=_BASE, timeout=_TIMEOUT) as client:
            while True:
                try:
                    (await client.get("/healthz")).raise_for_status()
                    break
                except httpx.TransportError:
                    if asyncio.get_running_loop().time() > deadline:
                        raise FolderError(f"{folder.path} is in use, but its process does not answer.") from None
                    await asyncio.sleep(0.1)
            yield client
