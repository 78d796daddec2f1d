"""Admin tokens as every answer shows them, and the bodies that ask for one."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from keyledger.http.request.field_types import Instant, Label, NewTags, Overlap
from keyledger.http.request.request_body import Body
from registry.keys.events import Confinement
from registry.tokens.commands import MAX_NAME
from registry.tokens.service import IssuedToken, NewToken
from registry.tokens.state import SCOPES, TokenState

_SCOPES = f"what it may: of {', '.join(SCOPES)}; `admin` is all of them"


class ConfinementBody(Body):
    """What all that the token sees and sets must have: at least one of these."""

    tags: NewTags = Field({}, examples=[{"customer_id": "acme"}])
    organization: Label | None = Field(None, description="the gateway's organization", examples=["default"])
    workspace: Label | None = Field(None, description="the gateway's workspace", examples=["default"])


class TokenBody(Body):
    """An admin token to make."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "portal", "scopes": ["keys:read"]}]})
    name: str = Field(strict=True, max_length=MAX_NAME, description="whose it is", examples=["portal"])
    scopes: list[str] = Field(max_length=len(SCOPES) * 2, description=_SCOPES, examples=[["keys:read", "keys:write"]])
    expires_at: Instant | None = Field(
        None, description="from when it does not work any more", examples=["2027-01-01T00:00:00Z"]
    )
    confined_to: ConfinementBody | None = Field(None, description="what it is confined to; everything when not given")

    def new(self) -> NewToken:
        """The same as the registry has it."""
        confined_to = self.confined_to
        return NewToken(
            self.name,
            tuple(self.scopes),
            self.expires_at,
            None if confined_to is None else Confinement(**dict(confined_to)),
        )


class RotateTokenBody(Body):
    """How long the old token goes on to work."""

    overlap_s: Overlap = Field(description="the old one works so many seconds longer", examples=[3600])


@dataclass(frozen=True, slots=True)
class ConfinementOut:
    """What a token is confined to."""

    tags: dict[str, str]
    organization: str | None
    workspace: str | None


@dataclass(frozen=True, slots=True)
class TokenOut:
    """An admin token as every answer shows it."""

    token_id: str
    name: str
    scopes: list[str]
    status: Literal["active", "expired", "revoked"]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    confined_to: ConfinementOut | None
    successor: str | None
    position: int


@dataclass(frozen=True, slots=True)
class NewTokenOut(TokenOut):
    """An admin token with its text, which is shown this once."""

    token: str = field(repr=False)


def token_out(state: TokenState, now: datetime, last_used_at: datetime | None = None) -> TokenOut:
    """The token at a time."""
    ended: Literal["revoked", "expired"] = "expired" if state.revoked_at is None else "revoked"
    confined_to = state.confined_to
    return TokenOut(
        token_id=state.token_id,
        name=state.name,
        scopes=list(state.scopes),
        status="active" if state.works(now) else ended,
        created_at=state.created_at,
        expires_at=state.expires_at,
        revoked_at=state.revoked_at,
        last_used_at=last_used_at,
        confined_to=None
        if confined_to is None
        else ConfinementOut(confined_to.tags, confined_to.organization, confined_to.workspace),
        successor=state.successor,
        position=state.position,
    )


def new_token_out(made: IssuedToken) -> NewTokenOut:
    """The token with its text."""
    token = token_out(made.token, made.now)
    return NewTokenOut(**{one.name: getattr(token, one.name) for one in fields(token)}, token=made.text)
