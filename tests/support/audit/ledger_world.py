"""The public API with its ledger and its gateway's rows: what auditors ask about."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.usage.journal.anchoring import Anchoring
from tests.support.api.service import Api, open_api
from tests.support.bill_world import World
from tests.support.ledger.projecting import catch_up
from tests.support.oracle.oracle import Row
from tests.support.servers.databases import Database


@dataclass(frozen=True, slots=True)
class Ledger:
    """An API, and the two databases in ClickHouse behind it."""

    api: Api
    world: World

    async def apply(self) -> int:
        """Project the log up to its head, which is the answer."""
        await catch_up(self.api.services.registry.log, self.api.services.store)
        return await self.api.head()

    async def serve(self, rows: Sequence[Row]) -> None:
        """Write rows as the gateway would."""
        await self.world.serve(rows)

    def anchoring(self, every_s: float = 0.0) -> Anchoring:
        """Anchors of its journal, as the collector makes them."""
        return Anchoring(self.world.journal, self.api.services.registry.usage, every_s)

    async def anchor(self) -> int:
        """Anchor what is collected, and project it; returns the position."""
        await self.anchoring().anchor_now()
        return await self.apply()

    async def get(self, path: str, **params: Any) -> Any:
        """The JSON of a call that succeeds."""
        answer = await self.ask(path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def ask(self, path: str, **params: Any) -> httpx.Response:
        """The answer to an auditor, whose token has the one scope."""
        return await self.api.call("GET", path, by="auditor", **({"params": params} if params else {}))


@asynccontextmanager
async def open_ledger(database: Database, clickhouse: ClickHouse, names: Names) -> AsyncIterator[Ledger]:
    """All of it, on fresh databases."""
    async with open_api(database, clickhouse, names) as api:
        yield Ledger(api, World(clickhouse, names))
