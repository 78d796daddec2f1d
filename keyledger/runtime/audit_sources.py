"""The books that an audit of a process reads."""

from __future__ import annotations

from audit.sources import AuditedGateway, AuditSources
from keyledger.runtime.services import Services


def audit_sources(services: Services) -> AuditSources:
    """The log, the current state, the ledger in ClickHouse, and the gateway's table of keys where one is kept."""
    registry, gateway = services.registry, None
    if registry.gateway is not None:
        gateway = AuditedGateway(registry.gateway.table, is_shared=registry.gateway.append_hook is not None)
    return AuditSources(registry.log, registry.engine, services.clickhouse, services.names, services.store, gateway)
