"""Errors at a gateway: at its own key table, and at its metrics.

    ProjectionError
    └── GatewayError             any failure of the gateway's database or of the connection to it
        ├── GatewayUnavailable       retry: transport
        │   └── GatewayRowLocked         a row is locked by another session
        ├── GatewayMetricsUnavailable    retry: its /metrics can't be read
        └── GatewayRefused           an operator must fix it; retried slowly
            ├── GatewayTableAbsent       there is no key table
            ├── GatewayTableUnfit        it is not as the gateway's migrations create it
            └── GatewayNotAllowed        the role lacks a privilege

Messages carry only the server's code: its text can quote a row, with the hash of a secret.
"""

from __future__ import annotations

from projections.errors import ProjectionError


class GatewayError(ProjectionError):
    """The gateway's database did not do what it was asked."""


class GatewayUnavailable(GatewayError):
    """The gateway's database can't be reached, or does not answer now."""


class GatewayRowLocked(GatewayUnavailable):
    """A row of the gateway's table of keys, or the table itself, is locked by another session there."""


class GatewayMetricsUnavailable(GatewayError):
    """The gateway's metrics can't be read."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(
            f"the gateway's metrics at {where} can't be read ({why}): see KEYLEDGER_GATEWAY_METRICS_URL and "
            "KEYLEDGER_GATEWAY_METRICS_KEY"
        )


class GatewayRefused(GatewayError):
    """The gateway's database refused: repeating it will not help."""


class GatewayTableAbsent(GatewayRefused):
    """The gateway's database has no table of keys."""

    def __init__(self, schema: str) -> None:
        super().__init__(
            f"there is no table {schema}.tensorzero_auth_api_key in the gateway's database: run the gateway's own "
            "migrations (`gateway --run-postgres-migrations`), or, for a trial without a gateway, "
            "`keyledger project gateway --create-table`"
        )


class GatewayTableUnfit(GatewayRefused):
    """The gateway's table of keys is not as its migrations make it."""


class GatewayNotAllowed(GatewayRefused):
    """The role of the gateway's database lacks a right."""
