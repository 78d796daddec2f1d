"""Waits until a position of the log is applied: one way, for bills, audits and replays."""

from __future__ import annotations

from projections.ledger.store import Store
from registry.log.log_position import LogPosition
from registry.retry import poll_until


async def wait_until_applied(store: Store, position: int, timeout_s: float) -> LogPosition:
    """The applied position once it has reached `position`, or when the time is up: check it. Raises ClickHouseError."""
    return await poll_until(store.applied, lambda applied: applied.position >= position, timeout_s=timeout_s)
