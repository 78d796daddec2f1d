"""A log-in that a browser has begun at the provider, and not ended yet."""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

_BYTES: Final = 32
# Cookies have 4 KiB; who was at a longer address begins at the first page.
_LONGEST_ADDRESS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the provider is sent is made of a secret that only the browser has, so the server keeps nothing.

    `wanted` is the page to go on at. State and nonce are seen by the provider, and do not give the secret away.
    """

    secret: str = field(repr=False)
    wanted: str

    @classmethod
    def begin(cls, wanted: str) -> Attempt:
        """A new one."""
        return cls(secrets.token_urlsafe(_BYTES), wanted if len(wanted) <= _LONGEST_ADDRESS else "")

    @classmethod
    def of_cookie(cls, text: str) -> Attempt | None:
        """That of a cookie; None for one that is not ours."""
        secret, dot, wanted = text.partition(".")
        try:
            return cls(secret, urlsafe_b64decode(wanted).decode()) if secret and dot else None
        except ValueError:
            return None

    @property
    def cookie(self) -> str:
        """What the browser keeps meanwhile."""
        return f"{self.secret}.{urlsafe_b64encode(self.wanted.encode()).decode()}"

    @property
    def state(self) -> str:
        """Comes back with the browser: another site can't end a log-in that it began itself."""
        return self._derived("state")

    @property
    def nonce(self) -> str:
        """Stands in the ID token: one that was made for another log-in is not taken."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """Proves to the provider that who has the code also began the log-in (RFC 7636)."""
        return self._derived("verifier")

    def is_of(self, state: str) -> bool:
        """Whether a state came from this log-in."""
        return hmac.compare_digest(state.encode(), self.state.encode())

    def _derived(self, what: str) -> str:
        return hmac.new(self.secret.encode(), what.encode(), sha256).hexdigest()
