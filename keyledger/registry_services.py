"""The write side as the apps use it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from keyledger.gateway_wait import GatewayWait
from registry.event_log import EventLog
from registry.handle import Keys, Tokens
from registry.queries import Queries


@dataclass(frozen=True, slots=True)
class Registry:
    """The write side as the apps use it, made once at the composition root."""

    log: EventLog
    keys: Keys
    tokens: Tokens
    queries: Queries
    skew: timedelta = timedelta(0)
    gateway: GatewayWait | None = None
