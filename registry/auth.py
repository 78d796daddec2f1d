"""Authentication: admin tokens and their scopes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from registry.errors import Forbidden, Unauthenticated
from registry.keys import secrets as secret
from registry.keys.events import Confinement, token_stream
from registry.tokens.state import TokenState

OPERATOR: Final = "operator"
# The actor of what the registry records by itself, at nobody's request.
SYSTEM: Final = "system"


class TokenLookup(Protocol):
    """Looks up admin tokens."""

    async def token(self, token_id: str) -> tuple[TokenState, str] | None:
        """A token's state and the hash of its secret, or None."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller. `token` is None for the operator of the machine, who may do everything.

    `person`: who it is of those who have the token's rights, where a provider said so.
    """

    actor: str
    token: TokenState | None = None
    person: str | None = None

    @property
    def caller(self) -> str:
        """Whose share of what is limited a request uses: people are kept apart, though they have one token."""
        return self.actor if self.person is None else f"{self.actor} {self.person}"

    def allows(self, scope: str) -> bool:
        """Whether the caller has the scope."""
        return self.token is None or self.token.allows(scope)

    @property
    def confined_to(self) -> Confinement | None:
        """What all that the caller sees and sets must have; None for one that is not confined."""
        return None if self.token is None else self.token.confined_to

    def require(self, scope: str, *, confined: bool = False) -> None:
        """Raise Forbidden if the caller does not have the scope, or is confined and `confined` callers may not."""
        if not self.allows(scope):
            raise Forbidden(f"the token needs the scope {scope}")
        if self.confined_to is not None and not confined:
            raise Forbidden("the token is confined: this call would show it more than that")


def bearer_of(authorization: str | None) -> str:
    """The text of the token in an Authorization header; empty without one."""
    scheme, _, text = (authorization or "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


async def authenticate(authorization: str | None, tokens: TokenLookup) -> Principal:
    """The caller behind an Authorization header. Raises Unauthenticated, which never says which part was wrong."""
    parts = secret.split_token(bearer_of(authorization))
    if parts is None:
        raise Unauthenticated
    token_id, given_hash = parts
    found = await tokens.token(token_id)
    # Compare even for an unknown id, so that the response time does not reveal which ids exist.
    state, kept_hash = found if found is not None else (None, "0" * 64)
    if not secret.same_hash(given_hash, kept_hash) or state is None or not state.works(datetime.now(UTC)):
        raise Unauthenticated
    return Principal(token_stream(token_id), state)
