"""What both clients ask of httpx: how it is set up, and what its failures mean."""

from __future__ import annotations

from typing import Any

import httpx

from keyledger.client.answer import Reply
from keyledger.client.exchange import Lost, Request

_CONNECT_S = 5.0


def options_of(request: Request, *, own_timeout: bool) -> dict[str, Any]:
    """A request as httpx takes it; with `own_timeout` it waits as the httpx client does, not as the call says."""
    options: dict[str, Any] = {
        "method": request.method,
        "url": request.path,
        "params": request.query or None,
        "headers": list(request.headers.items()),
        "content": request.content,
    }
    if not own_timeout:
        options["timeout"] = httpx.Timeout(request.timeout_s, connect=_CONNECT_S)
    return options


def bearer(token: str) -> dict[str, str]:
    """The header of an admin token."""
    return {"Authorization": f"Bearer {token}"}


def reply_of(response: httpx.Response) -> Reply:
    """An answer as it came."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, response.content)


def lost(error: httpx.TransportError) -> Lost:
    """What it means that no answer came."""
    return Lost(error, sent=not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout))
