"""The operator's app, as `keyledger import` speaks to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from gateways.tensorzero.key_table import GatewayTable
from keyledger.http.app import operator_app
from keyledger.runtime.gateway import GatewayKeys as Gateway
from registry.db.connection import make_engine
from registry.log.event_log import RecordedEvent
from tests.support.audit.ledger_world import Ledger
from tests.support.gateway.gateway_keys import GatewayKeys
from tests.support.servers.databases import Database

PATH = "/operator/import/tensorzero"


@dataclass(frozen=True, slots=True)
class Told:
    """What an import answered."""

    items: list[dict[str, Any]]
    result: dict[str, Any]
    text: str

    def wrong(self) -> list[tuple[Any, ...]]:
        """Of each thing that is wrong: of what, line, key, field."""
        return [(one["of"], one["line"], one["public_id"], one["field"]) for one in self.items]


@dataclass(frozen=True, slots=True)
class Importer:
    """The app on a registry and a gateway."""

    client: httpx.AsyncClient
    ledger: Ledger
    database: Database
    gateway: GatewayKeys

    async def ask(self, **body: Any) -> httpx.Response:
        """The answer to an import, whatever it is."""
        return await self.client.post(PATH, json=body)

    async def run(self, **body: Any) -> Told:
        """An import that comes to its end."""
        answer = await self.ask(**body)
        assert answer.status_code == 200, answer.text
        parts = [next(iter(json.loads(line).items())) for line in answer.text.splitlines()]
        kind, result = parts[-1]
        assert kind == "result", parts[-1]
        return Told([part for kind, part in parts if kind == "item"], result, answer.text)

    async def apply(self, tags: Path | None = None, **body: Any) -> Told:
        """An import with --apply."""
        return await self.run(apply=True, **({} if tags is None else {"tags": str(tags)}), **body)

    async def events(self) -> list[RecordedEvent]:
        """The events of keys in the log."""
        events = await self.ledger.api.services.registry.log.read(0, 100_000)
        return [event for event in events if event.stream.startswith("key-")]

    async def key(self, public_id: str) -> dict[str, Any]:
        """A key as the portal sees it."""
        answer = await self.ledger.api.call("GET", f"/admin/api-keys/{public_id}")
        assert answer.status_code == 200, answer.text
        key: dict[str, Any] = answer.json()
        return key

    async def history(self, public_id: str) -> list[dict[str, Any]]:
        """A key's events as the portal sees them."""
        answer = await self.ledger.api.call("GET", f"/admin/api-keys/{public_id}/history")
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


@asynccontextmanager
async def open_importer(ledger: Ledger, database: Database, gateway: GatewayKeys) -> AsyncIterator[Importer]:
    """The app, with the gateway's database."""
    engine = make_engine(gateway.url)
    services, table = ledger.api.services, Gateway(GatewayTable(engine, gateway.schema), None)
    app = operator_app(replace(services, registry=replace(services.registry, gateway=table)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://operator") as client:
        yield Importer(client, ledger, database, gateway)
    await engine.dispose()
