"""Requests to the provider: JSON objects, within a time and a size, and failures in words."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from keyledger.console.openid.errors import ProviderFailed

_ANSWER_S: Final = 10.0
_ANSWER_BYTES: Final = 1 << 20


def provider_client() -> httpx.AsyncClient:
    """A client for the requests of one log-in. It follows no redirect, and no proxy of the environment."""
    return httpx.AsyncClient(timeout=_ANSWER_S, trust_env=False, verify=_trust())


@cache
def _trust() -> ssl.SSLContext:
    """What the system trusts, also a company's own CA; to read it takes a while."""
    return ssl.create_default_context()


async def fetched(
    http: httpx.AsyncClient,
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
) -> dict[str, Any]:
    """The JSON object that a request is answered with. Raises ProviderFailed, which names the host and the path."""
    place = place_of(url)
    named = {"Accept": "application/json", **(headers or {})}
    content = bytearray()
    try:
        async with http.stream(method, url, headers=named, content=body) as answer:
            async for part in answer.aiter_bytes():
                content += part
                if len(content) > _ANSWER_BYTES:
                    raise ProviderFailed(f"{place} answered with more than 1 MiB.")
    except httpx.TimeoutException:
        raise ProviderFailed(f"{place} did not answer within {_ANSWER_S:g} s.") from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:  # of a header that can't be sent, too
        raise ProviderFailed(f"{place} can't be reached: {error or type(error).__name__}.") from None
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not answer.is_success:
        raise ProviderFailed(f"{place} answered {answer.status_code}{_said(found)}.")
    if not isinstance(found, dict):
        raise ProviderFailed(f"{place} answered with something that is no JSON object.")
    return found


def place_of(url: str) -> str:
    """The host and the path of an address, without what may be secret in it. Raises ProviderFailed for one of none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ProviderFailed("The provider names an address that is none.") from None
    return f"{parts.netloc}{parts.path}"


def printable(text: object) -> str:
    """What the provider said, short and without what would change the page or the log."""
    return "".join(one if one.isprintable() else " " for one in str(text)[:200])


def _said(found: object) -> str:
    """The error code of OAuth, which says more than the status (RFC 6749, section 5.2)."""
    return f" with the error {printable(found['error'])}" if isinstance(found, dict) and "error" in found else ""
