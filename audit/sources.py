"""What is audited: the log, the current state, the ledger in ClickHouse, and a gateway's table."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.tensorzero.key_table import GatewayTable
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.ledger.store import Store
from registry.log.event_log import EventLog


@dataclass(frozen=True, slots=True)
class AuditedGateway:
    """A gateway's key table. `is_shared` means that each append writes it in its own transaction, so it has no lag."""

    table: GatewayTable
    is_shared: bool


@dataclass(frozen=True, slots=True)
class AuditSources:
    """What an audit reads. `engine` is a pool on the log's database; the application's privileges are enough."""

    log: EventLog
    engine: AsyncEngine
    clickhouse: ClickHouse
    names: Names
    store: Store
    gateway: AuditedGateway | None = None
