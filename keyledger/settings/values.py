"""What a setting alone may be: URLs, names and files, each checked when it is read.

A message never quotes the value: it may hold a password.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from registry.keys.tags import name_fault, text_fault
from registry.parts.part import Part

_SERVER: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")
# As browsers write it (RFC 6454): anything else would never be equal to what they send.
_ORIGIN: Final = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_MOST_ROLES: Final = 100
_TOKEN_ID: Final = re.compile(r"[A-Za-z0-9]{12}")
_DISPLAY_NAME_BYTES: Final = 256
# Without a login, a query and a fragment.
_PLAIN_URL: Final = re.compile(r"https?://[^\s/@?#]+(/[^\s@?#]*)?")


def _postgres(url: str) -> str:
    """The URL with the driver that we use. Raises ValueError without quoting it: it may hold a password."""
    from sqlalchemy.engine import make_url  # noqa: PLC0415 - commands that need no database start without it
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415 - as above

    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError("must be a URL, as postgresql://user:password@host:5432/database") from None
    if parsed.drivername not in {"postgresql", "postgres", "postgresql+asyncpg"} or not parsed.database:
        raise ValueError("must be a URL, as postgresql://user:password@host:5432/database")
    if any("ssl" in name for name in parsed.query):
        raise ValueError("must not have options of TLS: set KEYLEDGER_DATABASE_SSL instead")
    return parsed.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def _clickhouse(url: str) -> str:
    if not url.startswith(("http://", "https://", "chdb:///")):
        raise ValueError("must be http(s)://user:password@host:8123, or chdb:///path for the embedded engine")
    return url


def _servers(value: str) -> str:
    servers = [one.strip() for one in value.split(",")]
    for one in servers:
        match = _SERVER.fullmatch(one)
        if match is None or not 0 < int(match[2]) < 65_536:
            raise ValueError("must be host:port, or several of them with commas between")
    return ",".join(servers)


def _origins(value: str) -> str:
    origins = [one.strip() for one in value.split(",")]
    if "*" in origins:
        raise ValueError("must name each origin: with * any page could use a token that a browser holds")
    return ",".join(map(_origin, origins))


def _origin(value: str) -> str:
    if _ORIGIN.fullmatch(value) is None or value.endswith((":443", ":80")):
        raise ValueError("must be as browsers send it: https://host or https://host:8443, in lower case, no path")
    return value


def _issuer(url: str) -> str:
    """An issuer (OpenID Connect Discovery 1.0, section 3): what it is asked over http could be read on the way."""
    parsed = urlsplit(url)
    local = parsed.scheme == "http" and parsed.hostname in _LOOPBACK
    if _PLAIN_URL.fullmatch(url) is None or not (parsed.scheme == "https" or local):
        raise ValueError("must be https://host or https://host/path, as the provider writes it; no login, no query")
    return url


def _roles(value: str) -> str:
    """The object as JSON without blanks. Raises ValueError."""
    words = 'must be a JSON object of 1 to 100 roles and the ids of admin tokens, as {"finance": "7hQ2xYbK9mPd"}'
    try:
        roles = json.loads(value)
    except ValueError:
        raise ValueError(words) from None
    if not isinstance(roles, dict) or not 1 <= len(roles) <= _MOST_ROLES:
        raise ValueError(words)
    for role, token_id in roles.items():
        if not role or not isinstance(token_id, str) or _TOKEN_ID.fullmatch(token_id) is None:
            raise ValueError(words)
    return json.dumps(roles, ensure_ascii=False)


def _address(value: str) -> str:
    if value == "localhost":
        return value
    try:
        return str(ip_address(value))
    except ValueError:
        raise ValueError("must be an IP address, as 127.0.0.1 or ::1, or localhost") from None


def _parts(value: str) -> str:
    names = [one.strip() for one in value.split(",")]
    if not set(names) <= set(get_args(Part)):
        raise ValueError(f"must be of {', '.join(get_args(Part))}, with commas between")
    return ",".join(names)


def _metrics(value: str) -> str:
    urls = [one.strip() for one in value.split(",")]
    if not all(map(_is_metrics, urls)):
        raise ValueError("must be http(s)://host:port/metrics without a login, or several of them with commas between")
    return ",".join(urls)


def _is_metrics(url: str) -> bool:
    try:
        return _PLAIN_URL.fullmatch(url) is not None and urlsplit(url).port != 0
    except ValueError:  # no such port
        return False


def _tag_name(name: str) -> str:
    if why := name_fault(name):
        raise ValueError(f"must be the name of a tag; it {why}")
    return name


def _display_name(name: str) -> str:
    if why := text_fault(name, _DISPLAY_NAME_BYTES):
        raise ValueError(why)
    return name


def _topic(name: str) -> str:
    if name in {".", ".."}:
        raise ValueError("must have more than dots")
    return name


def _pem(what: str) -> Callable[[Path], Path]:
    def check(path: Path) -> Path:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ValueError(f"the file can't be read ({error.strerror})") from None
        if f"{what}-----".encode() not in content:
            raise ValueError(f"the file has no PEM of a {what.lower()} (-----BEGIN {what}-----)")
        return path

    return check


PostgresUrl = Annotated[str, AfterValidator(_postgres)]
ClickHouseUrl = Annotated[str, AfterValidator(_clickhouse)]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
MetricsUrls = Annotated[str, AfterValidator(_metrics)]
HeaderText = Annotated[str, Field(pattern=r"^[!-~]+$")]
ListenAddress = Annotated[str, AfterValidator(_address)]
KafkaServers = Annotated[str, AfterValidator(_servers)]
Origin = Annotated[str, AfterValidator(_origin)]
Origins = Annotated[str, AfterValidator(_origins)]
Issuer = Annotated[str, AfterValidator(_issuer)]
Roles = Annotated[str, AfterValidator(_roles)]
ClaimName = Annotated[str, Field(pattern=r"^[!-~]{1,200}$")]
KafkaName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,200}$"), AfterValidator(_topic)]
DisplayName = Annotated[str, AfterValidator(_display_name)]
TagName = Annotated[str, AfterValidator(_tag_name)]
PartNames = Annotated[str, AfterValidator(_parts)]
CertificateFile = Annotated[Path, AfterValidator(_pem("CERTIFICATE"))]
KeyFile = Annotated[Path, AfterValidator(_pem("PRIVATE KEY"))]
DatabaseSsl = Literal["disable", "prefer", "require", "verify-ca", "verify-full"]
KafkaProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
