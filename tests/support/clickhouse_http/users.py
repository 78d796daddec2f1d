"""Who may ask: names with their passwords, given by basic auth, by headers or in the URL."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message

from tests.support.clickhouse_http.errors import ServerError


@dataclass(frozen=True, slots=True)
class User:
    """One login."""

    password: str = ""
    readonly: bool = False


DEFAULT = {"default": User()}


def read(text: str) -> dict[str, User]:
    """Users from JSON: `{"name": {"password": "…", "readonly": true}}`."""
    return {name: User(**given) for name, given in json.loads(text).items()}


def authenticate(users: Mapping[str, User], headers: Message[str, str], params: Mapping[str, str]) -> User:
    """The user of a request. Raises ServerError (516) for a wrong name or password, without saying which."""
    name, password = _given(headers, params)
    user = users.get(name)
    if user is None or not hmac.compare_digest(user.password.encode(), password.encode()):
        text = f"{name}: Authentication failed: password is incorrect, or there is no user with such name."
        raise ServerError(516, f"{text} (AUTHENTICATION_FAILED)")
    return user


def _given(headers: Message[str, str], params: Mapping[str, str]) -> tuple[str, str]:
    kind, _, value = (headers.get("Authorization") or "").partition(" ")
    if kind.lower() == "basic":
        try:
            name, _, password = base64.b64decode(value).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ServerError(516, "Invalid authentication: not base64 (AUTHENTICATION_FAILED)") from error
        return name, password
    if "X-ClickHouse-User" in headers:
        return headers["X-ClickHouse-User"], headers.get("X-ClickHouse-Key") or ""
    return params.get("user", "default"), params.get("password", "")
