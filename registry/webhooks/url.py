"""The URL of a webhook, read in one way only: what is checked is what is connected to. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final

MAX_URL: Final = 2048
_MAX_HOST: Final = 253
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_URL: Final = re.compile(
    rf"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|{_LABEL}(?:\.{_LABEL})*\.?)(?::(?P<port>[0-9]{{1,5}}))?"
    r"(?P<target>[/?][A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]*)?",
    re.ASCII | re.IGNORECASE,
)
_AUTHORITY: Final = re.compile(r"[a-z]+://([^/?#]*)", re.IGNORECASE)
_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}


class UrlRefused(Exception):
    """The URL is not one that a webhook may have. The message says why, without quoting it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: `host` is a name, or an address without brackets, and `path` has the query, too."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port, as the header `Host` has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def target_of(url: str) -> Target:
    """What a URL leads to. Raises UrlRefused."""
    if len(url) > MAX_URL:
        raise UrlRefused(f"must be at most {MAX_URL} characters")
    match = _URL.fullmatch(url)
    if match is None:
        raise UrlRefused(_fault(url))
    scheme, host = match["scheme"].lower(), match["host"].lower()
    port = _PORTS[scheme] if match["port"] is None else int(match["port"])
    if not 0 < port < 65_536:
        raise UrlRefused("has a port that is none")
    target = match["target"] or "/"
    return Target(scheme, _host(host), port, target if target.startswith("/") else f"/{target}")


def _host(host: str) -> str:
    if not host.startswith("["):
        if len(host) > _MAX_HOST:
            raise UrlRefused(f"must have a host of at most {_MAX_HOST} characters")
        return host
    try:
        return str(IPv6Address(host[1:-1]))
    except ValueError:
        raise UrlRefused("has an address in brackets that is none") from None


def _fault(url: str) -> str:
    authority = _AUTHORITY.match(url)
    if authority is not None and "@" in authority[1]:
        return "must not have a user or a password: deliveries are signed"
    if "#" in url:
        return "must not have a fragment"
    return "must be https://host/path or http://host/path, in ASCII: other characters as %XX, of a host as xn--"
