"""The books that are audited: the log, the current state beside it, and the ledger in ClickHouse."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from projections.clickhouse import ClickHouse
from projections.ddl import Names
from projections.store import Store
from registry.event_log import EventLog


@dataclass(frozen=True, slots=True)
class Books:
    """What an audit reads. `engine` is a pool on the log's database; reading needs no more than the application may."""

    log: EventLog
    engine: AsyncEngine
    clickhouse: ClickHouse
    names: Names
    store: Store
