"""The write side of one process: the log, what is decided on it, and the gateway's table of keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from keyledger.runtime.connections import database_engine
from keyledger.runtime.gateway import GatewayKeys, GatewayPlace, gateway_place, open_gateway
from keyledger.runtime.gateway_wait import GatewayWait, NoWait, SyncWait
from keyledger.runtime.webhooks.http_receiver import HttpReceiver
from keyledger.settings import Settings
from registry.bulk import BulkService
from registry.clock import ClockService
from registry.log.append.clock_watch import ClockBounds
from registry.log.append.limits import Limits, Refusal, nothing_refused
from registry.log.event_log import EventLog
from registry.log.postgres import PostgresEventLog, open_log
from registry.policy.service import PolicyService
from registry.prices.service import PriceQueries, PriceService
from registry.queries import Queries
from registry.repeats.store import KeptAnswers
from registry.service import KeyService
from registry.sessions.store import Sessions
from registry.tokens.attempts import Attempts
from registry.tokens.gate import TokenGate
from registry.tokens.last_use import LastUse
from registry.tokens.service import TokenService
from registry.usage.anchors import UsageAnchors
from registry.verify.known_keys import KnownKeys
from registry.webhooks.receiver import Receiver
from registry.webhooks.store import Webhooks


@dataclass(frozen=True, slots=True)
class Registry:
    """The write side, open. `gateway_wait` knows when a change is in the gateway's table; both are None without one."""

    settings: Settings
    engine: AsyncEngine
    log: EventLog
    keys: KeyService
    bulk: BulkService
    tokens: TokenService
    gate: TokenGate
    queries: Queries
    clock: ClockService
    usage: UsageAnchors
    prices: PriceService
    price_book: PriceQueries
    tag_policy: PolicyService
    kept_answers: KeptAnswers
    known_keys: KnownKeys
    webhooks: Webhooks
    sessions: Sessions
    gateway: GatewayKeys | None = None
    gateway_wait: GatewayWait | None = None
    refusal: Refusal = nothing_refused


def registry_on(
    log: EventLog,
    engine: AsyncEngine,
    settings: Settings,
    gateway: GatewayKeys | None = None,
    receiver: Receiver | None = None,
) -> Registry:
    """The registry of an open log, whose database the engine is on."""
    queries = Queries(engine)
    keys, tokens = KeyService(log, queries.public_id), TokenService(log)
    clock = ClockService(log, queries, clock_bounds(settings).back)
    wait = _wait(gateway, queries, settings)
    return Registry(
        settings,
        engine,
        log,
        keys,
        BulkService(log, queries),
        tokens,
        TokenGate(queries, LastUse(engine), Attempts(settings.bad_tokens_per_minute)),
        queries,
        clock,
        UsageAnchors(log),
        PriceService(log),
        PriceQueries(engine),
        PolicyService(log, engine, queries),
        KeptAnswers(engine),
        KnownKeys(log, engine),
        Webhooks(log, engine, queries, receiver or webhook_receiver(settings)),
        Sessions(engine, queries),
        gateway,
        wait,
    )


@asynccontextmanager
async def open_registry(
    settings: Settings, database_url: str, place: GatewayPlace | None = None, refusal: Refusal = nothing_refused
) -> AsyncIterator[Registry]:
    """Open the log, and the gateway's table of keys at `place`, which is that of the settings when None.

    `refusal` says why only what stops something may be recorded now, if that is so.

    Raises LogBroken where the database was not migrated, SchemaTooNew, Busy when it is away; a gateway that is away is
    no failure.
    """
    engine, receiver = database_engine(settings, database_url), webhook_receiver(settings)
    log: PostgresEventLog | None = None
    try:
        async with open_gateway(place or gateway_place(settings), engine, database_url) as gateway:
            hook = None if gateway is None else gateway.append_hook
            log = await open_log(engine, append_limits(settings), hook, refusal)
            yield replace(registry_on(log, engine, settings, gateway, receiver), refusal=refusal)
    finally:
        await receiver.close()
        if log is not None:
            await log.close()
        await engine.dispose()


def webhook_receiver(settings: Settings) -> HttpReceiver:
    """How deliveries of webhooks are sent; nothing is opened yet."""
    return HttpReceiver(allow_private=settings.webhook_allow_private, timeout_s=settings.webhook_timeout_s)


def append_limits(settings: Settings) -> Limits:
    """The bounds of an append."""
    return Limits(
        max_batch=settings.append_batch,
        max_queue=settings.append_queue,
        lock_timeout_s=settings.lock_timeout_s,
        statement_timeout_s=settings.statement_timeout_s,
        clock=clock_bounds(settings),
    )


def clock_bounds(settings: Settings) -> ClockBounds:
    """How far the database's clock may be off."""
    return ClockBounds(
        back=timedelta(milliseconds=settings.clock_step_back_ms),
        ahead=timedelta(milliseconds=settings.clock_ahead_ms),
    )


def _wait(gateway: GatewayKeys | None, queries: Queries, settings: Settings) -> GatewayWait | None:
    if gateway is None:
        return None
    return NoWait() if gateway.append_hook is not None else SyncWait(queries, new_key_s=settings.gateway_wait_s)
