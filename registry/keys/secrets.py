"""Secrets: how they are created, formatted, hashed and compared. The only module that handles one in the clear.

Keys have the gateway's format (TensorZero): `sk-t0-<public_id>-<secret>`, with 12 and 48 ASCII alphanumerics. The
stored hash is the lowercase hex SHA-256 of the 48-character part alone. Admin tokens have the same form with the prefix
`kl-admin-`.
"""

from __future__ import annotations

import hmac
import re
import secrets
import string
from dataclasses import dataclass, field
from hashlib import sha256

ID_LENGTH = 12
SECRET_LENGTH = 48
KEY_PREFIX = "sk-t0-"
TOKEN_PREFIX = "kl-admin-"  # noqa: S105 - a prefix, not a secret

_ALPHABET = (string.ascii_letters + string.digits).encode()
# Each random byte to a letter, and the bytes that are left out, so that all letters are as likely.
_EVEN = 256 - 256 % len(_ALPHABET)
_LETTER_OF = bytes(_ALPHABET[byte % len(_ALPHABET)] for byte in range(256))
_LEFT_OUT = bytes(range(_EVEN, 256))
_TOKEN = re.compile(rf"{TOKEN_PREFIX}([A-Za-z0-9]{{{ID_LENGTH}}})-([A-Za-z0-9]{{{SECRET_LENGTH}}})", re.ASCII)
_KEY = re.compile(rf"{KEY_PREFIX}([A-Za-z0-9]{{{ID_LENGTH}}})-([A-Za-z0-9]{{{SECRET_LENGTH}}})", re.ASCII)
PUBLIC_ID = re.compile(rf"[A-Za-z0-9]{{{ID_LENGTH}}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class IssuedSecret:
    """A new secret: its id, its text for the one response that shows it, and the hash that is stored."""

    id: str
    text: str = field(repr=False)
    hash: str = field(repr=False)


def issue_key() -> IssuedSecret:
    """A new API key from the operating system's random source (285 bits)."""
    return _issue(KEY_PREFIX)


def issue_token() -> IssuedSecret:
    """A new admin token."""
    return _issue(TOKEN_PREFIX)


def split_key(text: str) -> tuple[str, str] | None:
    """The credential's id and the hash of the secret in an API key's text, or None if the format is wrong."""
    match = _KEY.fullmatch(text)
    return None if match is None else (match[1], _hash(match[2]))


def split_token(text: str) -> tuple[str, str] | None:
    """The id and the hash of the secret in an admin token's text, or None if the format is wrong."""
    match = _TOKEN.fullmatch(text)
    return None if match is None else (match[1], _hash(match[2]))


def id_of_token(text: str) -> str | None:
    """The id in an admin token's text, or None if the format is wrong."""
    match = _TOKEN.fullmatch(text)
    return None if match is None else match[1]


def secret_of_token(text: str) -> str | None:
    """The secret in an admin token's text, or None if the format is wrong."""
    match = _TOKEN.fullmatch(text)
    return None if match is None else match[2]


def same_hash(one: str, other: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def _issue(prefix: str) -> IssuedSecret:
    public_id, secret = _letters(ID_LENGTH), _letters(SECRET_LENGTH)
    return IssuedSecret(public_id, f"{prefix}{public_id}-{secret}", _hash(secret))


def _letters(count: int) -> str:
    """Random letters and digits, from the operating system's source."""
    text = b""
    while len(text) < count:
        text += secrets.token_bytes(2 * count).translate(_LETTER_OF, _LEFT_OUT)
    return text[:count].decode("ascii")


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
