"""Fresh databases for one test after another, made and dropped while tests run rather than between them."""

from __future__ import annotations

import asyncio

from tests.support.servers.databases import Database, Server


class Copies:
    """Databases equal to a template to which nobody is connected; empty ones when none is named.

    The next one is always in the making. For one event loop: `close` waits for what is left.
    """

    def __init__(self, server: Server, template: Database | None = None) -> None:
        self._server = server
        self._template = None if template is None else template.name
        self._next: asyncio.Task[Database] | None = None
        self._drops: set[asyncio.Task[None]] = set()

    async def take(self) -> Database:
        """A database that no other test has."""
        making, self._next = self._next or self._make(), self._make()
        return await making

    def drop(self, database: Database) -> None:
        """Remove a database at leisure. A failure to do so is raised by `close`."""
        self._drops.add(asyncio.create_task(self._server.drop(database)))

    async def close(self) -> None:
        """Return when none is left."""
        if self._next is not None:
            self.drop(await self._next)
        await asyncio.gather(*self._drops)

    def _make(self) -> asyncio.Task[Database]:
        return asyncio.create_task(self._server.copy(self._template))
