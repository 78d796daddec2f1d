"""How a kept answer is found and sealed: by keys made from the caller's own, neither of which is stored.

HKDF (RFC 5869, SHA-256) makes three keys from the secret of the admin token and the caller's idempotency key, with the
log's id as salt: the id under which the answer is kept, the key of AES-256-GCM that seals it, and the key of the HMAC
that tells the same request from another. So the table alone says neither what was asked nor what was answered.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_INFO: Final = b"keyledger: a kept answer, version 1"
_KEY: Final = 32
_NONCE: Final = 12


class Unreadable(Exception):
    """What is kept was not sealed under these keys, or was changed since."""


@dataclass(frozen=True, slots=True)
class RepeatKeys:
    """The keys of one request of one caller. `id` alone may be stored."""

    id: bytes
    _cipher: bytes = field(repr=False)
    _mac: bytes = field(repr=False)

    def digest(self, parts: Sequence[bytes]) -> bytes:
        """What says whether a request is the same: an HMAC of its parts, 32 bytes."""
        mac = hmac.new(self._mac, digestmod="sha256")
        for part in parts:
            mac.update(len(part).to_bytes(8) + part)
        return mac.digest()

    def seal(self, answer: bytes, digest: bytes) -> bytes:
        """The answer to the request of the digest, sealed: a nonce, then what AES-256-GCM makes of it."""
        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(self._cipher).encrypt(nonce, answer, self.id + digest)

    def open(self, sealed: bytes, digest: bytes) -> bytes:
        """The answer. Raises Unreadable."""
        try:
            return AESGCM(self._cipher).decrypt(sealed[:_NONCE], sealed[_NONCE:], self.id + digest)
        except (InvalidTag, ValueError) as error:
            raise Unreadable from error


def repeat_keys(log_id: UUID, token_secret: str, idempotency_key: str) -> RepeatKeys:
    """The keys of a caller's idempotency key. The secret has a fixed length, so that no two pairs give one input."""
    made = HKDF(SHA256(), 3 * _KEY, salt=log_id.bytes, info=_INFO).derive(f"{token_secret}{idempotency_key}".encode())
    return RepeatKeys(made[:_KEY], made[_KEY : 2 * _KEY], made[2 * _KEY :])
