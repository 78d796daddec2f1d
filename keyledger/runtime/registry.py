"""The write side as the apps use it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from keyledger.runtime.gateway_wait import GatewayWait
from registry.log.event_log import EventLog
from registry.queries import Queries
from registry.service import KeyService, TokenService


@dataclass(frozen=True, slots=True)
class Registry:
    """The write side as the apps use it, made once at the composition root."""

    log: EventLog
    keys: KeyService
    tokens: TokenService
    queries: Queries
    skew: timedelta = timedelta(0)
    gateway: GatewayWait | None = None
