"""The client of the HTTP API, for portals and scripts. docs/client.md begins with an example.

Each call is a value that a function of `keyledger.client.calls` makes; `Client` sends it, and `AsyncClient` does within
asyncio. It imports nothing else of Keyledger, and of libraries httpx and msgspec alone.
"""

from __future__ import annotations

from msgspec import UNSET

from keyledger.client.answer import Answer
from keyledger.client.async_client import AsyncClient
from keyledger.client.call import Call, Page
from keyledger.client.errors import (
    BadRequest,
    ClientError,
    Conflict,
    FieldError,
    Forbidden,
    NotFound,
    NotModified,
    Problem,
    Refused,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
    VersionMismatch,
)
from keyledger.client.retries import Retries
from keyledger.client.sync_client import Client

__all__ = [
    "UNSET",
    "Answer",
    "AsyncClient",
    "BadRequest",
    "Call",
    "Client",
    "ClientError",
    "Conflict",
    "FieldError",
    "Forbidden",
    "NotFound",
    "NotModified",
    "Page",
    "Problem",
    "Refused",
    "Retries",
    "TooManyRequests",
    "Unauthenticated",
    "Unavailable",
    "UnexpectedAnswer",
    "Unreachable",
    "VersionMismatch",
]
