"""The deliveries as their sender sees them: taken from the log, due, settled. All of it is in PostgreSQL.

A death between any two calls loses nothing: a delivery is taken in the transaction that moves the webhook on in the
log, and is settled after the answer of its receiver. One that was sent and not settled is sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.connection import execute, fetch
from registry.errors import UnknownWebhook
from registry.log.log_position import LogPosition
from registry.webhooks import sql
from registry.webhooks.receiver import Reply
from registry.webhooks.turns import turn_of
from registry.webhooks.webhook import DeliveryStatus

_SWEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class LiveWebhook:
    """A webhook that is sent to, and how far the log was looked through for it."""

    webhook_id: UUID
    types: frozenset[str] | None
    reached: LogPosition


@dataclass(frozen=True, slots=True)
class Taken:
    """An event that a webhook is to get."""

    position: int
    stream: str
    type: str


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose time has come, and what it is signed with."""

    webhook_id: UUID
    url: str = field(repr=False)
    position: int
    stream: str
    attempts: int
    tried_s: float  # for how long it has been tried, by the database's clock
    secrets: tuple[str, ...] = field(repr=False)


class Outbox:
    """The tables of webhooks and deliveries. Every method raises Busy if the database can't answer now."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def take(self, webhook: LiveWebhook, events: Sequence[Taken], reached: LogPosition) -> bool:
        """Take deliveries of the next events, and move the webhook on in the log up to `reached`.

        False, and nothing is done, where another sender has moved it or it is deleted.
        """
        with suppress(UnknownWebhook):
            async with turn_of(self._engine, webhook.webhook_id) as driver:
                places = (webhook.reached.position, reached.position, reached.hash)
                if await driver.fetchrow(sql.MOVE, webhook.webhook_id, *places) is None:
                    return False
                if events:
                    columns = zip(*((one.position, one.stream, one.type) for one in events), strict=True)
                    await driver.execute(sql.TAKE, webhook.webhook_id, *map(list, columns))
                return True
        return False

    async def due(self, of_each: int) -> list[Due]:
        """Deliveries whose time has come, of each webhook up to so many; those that are being sent, too."""
        rows = await fetch(self._engine, sql.DUE, of_each)
        signing: dict[UUID, list[str]] = {row["webhook_id"]: [] for row in rows}
        if signing:
            for row in await fetch(self._engine, sql.SECRETS, list(signing)):
                signing[row["webhook_id"]].append(row["secret"])
        # One that was deleted since has nothing to sign with.
        return [Due(*(*row, tuple(secrets))) for row in rows if (secrets := signing[row["webhook_id"]])]

    async def settle(self, due: Due, status: DeliveryStatus, reply: Reply, next_s: float | None) -> None:
        """Record what came of an attempt, and let the next delivery of the stream be sent where this one has ended.

        Nothing is recorded where another sender has done so, or the webhook is deleted.
        """
        with suppress(UnknownWebhook):
            async with turn_of(self._engine, due.webhook_id) as driver:
                place = (due.webhook_id, due.position, due.attempts)
                stream = await driver.fetchval(sql.SETTLE, *place, status, next_s, reply.status, reply.error)
                if stream is None:
                    return
                if status != "pending":
                    await driver.execute(sql.FREE, due.webhook_id, stream)
                counts = status == "delivered", reply.error is not None, status == "dead"
                await driver.execute(sql.COUNT, due.webhook_id, *map(int, counts))

    async def sweep(self) -> None:
        """Delete what is kept no longer: in pieces, so that no statement is long."""
        await execute(self._engine, sql.SWEEP_SECRETS)
        while await execute(self._engine, sql.SWEEP_DELIVERIES, _SWEPT) == f"DELETE {_SWEPT}":
            pass


def live_webhook(row: Any) -> LiveWebhook:
    """A row of LIVE."""
    types = None if row["types"] is None else frozenset(row["types"])
    return LiveWebhook(row["webhook_id"], types, LogPosition(row["log_id"], row["position"], row["hash"]))
