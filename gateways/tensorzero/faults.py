"""Translates the driver's errors at the gateway's table into ours, by code and never by text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from gateways.errors import (
    GatewayNotAllowed,
    GatewayRefused,
    GatewayRowLocked,
    GatewayTableAbsent,
    GatewayTableUnfit,
    GatewayUnavailable,
)
from registry.db.causes import said
from registry.db.connection import TRANSPORT_ERRORS
from registry.errors import DatabaseAway

# A column is missing, has another type, or is required; or a constraint is missing.
_UNFIT = frozenset({"42703", "42804", "42883", "42846", "42P10", "23502"})


@contextmanager
def translated(schema: str) -> Iterator[None]:
    """Raise GatewayUnavailable or GatewayRefused for the driver's errors inside the block."""
    try:
        yield
    except DatabaseAway as error:
        raise GatewayUnavailable(error.message) from error
    except asyncpg.LockNotAvailableError as error:
        raise GatewayRowLocked from error
    except TRANSPORT_ERRORS as error:
        raise GatewayUnavailable(f"the gateway's database: {said(error)}") from error
    except asyncpg.UndefinedTableError as error:
        raise GatewayTableAbsent(schema) from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise not_allowed(schema) from error
    except asyncpg.PostgresError as error:
        code = error.sqlstate or "no code"
        words = f"the gateway's database refused with code {code} ({type(error).__name__})"
        if code in _UNFIT:
            raise GatewayTableUnfit(f"{words}: {schema}.tensorzero_auth_api_key is not as the gateway's") from error
        raise GatewayRefused(words) from error


def not_allowed(schema: str) -> GatewayNotAllowed:
    """The error that names what to grant."""
    table = f"{schema}.tensorzero_auth_api_key"
    return GatewayNotAllowed(
        f"the role may not read and write {table}: let its owner GRANT USAGE ON SCHEMA {schema}, "
        f"SELECT, INSERT, UPDATE ON {table} and USAGE ON SEQUENCE {table}_id_seq to it"
    )
