"""Webhooks as callers make, read and end them: rows of configuration, which are no events of the log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.connection import fetch, snapshot
from registry.errors import AlreadyAnswered, Conflict, FieldFault, FieldsRefused, UnknownDelivery, UnknownWebhook
from registry.log.event_log import Caller, EventLog, Repeat
from registry.queries import Queries
from registry.repeats.sql import KEEP
from registry.webhooks import sql
from registry.webhooks.receiver import Receiver
from registry.webhooks.signing import new_secret
from registry.webhooks.turns import turn_of, written
from registry.webhooks.url import UrlRefused
from registry.webhooks.webhook import MAX_SECRETS, MAX_WEBHOOKS, Delivery, NewSecret, SigningSecret, Webhook

_ALL: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Some deliveries, newest first, and whether there are more."""

    items: list[Delivery]
    more: bool


class Webhooks:
    """The webhooks of a log. Every method raises Busy if the database can't answer now.

    What shows a secret keeps its answer in the transaction that stores the secret, where the caller may repeat it.
    """

    def __init__(self, log: EventLog, engine: AsyncEngine, queries: Queries, receiver: Receiver) -> None:
        self._log = log
        self._engine = engine
        self._queries = queries
        self.receiver = receiver

    async def create(self, url: str, types: Iterable[str] | None, caller: Caller) -> NewSecret:
        """Make a webhook of the events after the head of now. Raises FieldsRefused, Conflict, AlreadyAnswered."""
        await self._check(url)
        head, seen = await self._log.head(), await self._queries.seen()
        secret, webhook_id = new_secret(), uuid4()
        named = None if types is None else sorted(types)
        webhook = Webhook(
            webhook_id, 0, url, named, head.position, seen.now, caller.actor, caller.on_behalf_of, None, 0, 0,
            (SigningSecret(seen.now, None),),
        )  # fmt: skip
        made = NewSecret(webhook, secret, head.position)
        place = (self._log.log_id, head.position, head.hash)
        async with written(self._engine) as driver:
            await _keep(driver, caller.repeat, made)
            who = (seen.now, caller.actor, caller.on_behalf_of)
            if await driver.fetchrow(sql.CREATE, webhook_id, url, named, *place, *who, MAX_WEBHOOKS) is None:
                raise Conflict(f"there are {MAX_WEBHOOKS} webhooks: delete one that nobody needs")
            await driver.execute(sql.CREATE_SECRET, webhook_id, seen.now, secret)
        return made

    async def rotate(self, webhook_id: UUID, overlap: timedelta, caller: Caller) -> NewSecret:
        """Give a webhook a new secret; those that it has go on signing for `overlap`.

        Raises UnknownWebhook, Conflict, AlreadyAnswered.
        """
        seen, secret = await self._queries.seen(), new_secret()
        async with turn_of(self._engine, webhook_id) as driver:
            await driver.execute(sql.END_SECRETS, webhook_id, seen.now + overlap)
            (webhook,) = await _webhooks(driver, webhook_id, _ALL, 1)
            if len(webhook.secrets) >= MAX_SECRETS:
                raise Conflict(f"{MAX_SECRETS} secrets sign already: wait until one ends, or give an overlap_s of 0")
            signing = (SigningSecret(seen.now, None), *webhook.secrets)
            made = NewSecret(replace(webhook, secrets=signing), secret, seen.position)
            await _keep(driver, caller.repeat, made)
            await driver.execute(sql.CREATE_SECRET, webhook_id, seen.now, secret)
        return made

    async def delete(self, webhook_id: UUID, caller: Caller) -> Webhook:
        """End a webhook: nothing is sent to it any more, and its secrets are gone. A repeat changes nothing.

        Raises UnknownWebhook.
        """
        async with written(self._engine) as driver:
            await driver.execute(sql.DELETE, webhook_id, caller.actor, caller.on_behalf_of)
            await driver.execute(sql.DELETE_SECRETS, webhook_id)
            found = await _webhooks(driver, webhook_id, _ALL, 1)
        if not found:
            raise UnknownWebhook
        return found[0]

    async def page(self, before: int | None, limit: int) -> list[Webhook]:
        """Webhooks, newest first, made before that of a number."""
        async with snapshot(self._engine) as driver:
            return await _webhooks(driver, None, _ALL if before is None else before, limit)

    async def find(self, webhook_id: UUID) -> Webhook:
        """A webhook. Raises UnknownWebhook, also for one that is deleted."""
        async with snapshot(self._engine) as driver:
            found = await _webhooks(driver, webhook_id, _ALL, 1)
        if not found or found[0].deleted_at is not None:
            raise UnknownWebhook
        return found[0]

    async def secrets(self, webhook_id: UUID) -> list[str]:
        """What signs for a webhook now, the latest first."""
        return [row["secret"] for row in await fetch(self._engine, sql.SECRETS, [webhook_id])]

    async def deliveries(
        self, webhook_id: UUID, before: int | None, statuses: Sequence[str], limit: int
    ) -> DeliveryPage:
        """Deliveries of a webhook, newest first. Raises UnknownWebhook."""
        await self.find(webhook_id)
        asked = (_ALL if before is None else before, list(statuses) or None, None, limit + 1)
        rows = await fetch(self._engine, sql.DELIVERIES, webhook_id, *asked)
        return DeliveryPage([Delivery(*row) for row in rows[:limit]], len(rows) > limit)

    async def replay(self, webhook_id: UUID, position: int) -> Delivery:
        """Send a delivery once more as if it were new, or now where it waits for its next attempt.

        Raises UnknownWebhook, UnknownDelivery, and Conflict for one that waits for an earlier one of its stream.
        """
        async with turn_of(self._engine, webhook_id) as driver:
            found = await _delivery(driver, webhook_id, position)
            if found.status == "pending" and found.next_attempt_at is None:
                raise Conflict("it waits for an earlier event of its stream: replay that one")
            await driver.execute(sql.REPLAY, webhook_id, position)
            await driver.execute(sql.ORDER, webhook_id, found.stream)
            return await _delivery(driver, webhook_id, position)

    async def _check(self, url: str) -> None:
        try:
            await self.receiver.check(url)
        except UrlRefused as refusal:
            raise FieldsRefused(FieldFault("url", str(refusal))) from refusal


async def _keep(driver: Any, repeat: Repeat | None, made: NewSecret) -> None:
    if repeat is not None:
        digest, sealed = repeat.keep(made)
        if not await driver.fetch(KEEP, [repeat.id], [digest], [sealed]):
            raise AlreadyAnswered


async def _webhooks(driver: Any, webhook_id: UUID | None, before: int, limit: int) -> list[Webhook]:
    rows = await driver.fetch(sql.WEBHOOKS, webhook_id, before, limit)
    ends: dict[UUID, list[SigningSecret]] = {row["webhook_id"]: [] for row in rows}
    for of, made_at, ends_at, _secret in await driver.fetch(sql.SECRETS, list(ends)):
        ends[of].append(SigningSecret(made_at, ends_at))
    return [Webhook(*(*row, tuple(ends[row["webhook_id"]]))) for row in rows]


async def _delivery(driver: Any, webhook_id: UUID, position: int) -> Delivery:
    row = await driver.fetchrow(sql.DELIVERIES, webhook_id, _ALL, None, position, 1)
    if row is None:
        raise UnknownDelivery
    return Delivery(*row)
