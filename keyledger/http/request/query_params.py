"""What a call takes besides its body: query parameters, filters, cursors and ids from paths, each read strictly."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from keyledger.http.request.field_types import Instant, Text, Whole
from registry.errors import FieldFault, FieldsRefused, UnknownKey
from registry.keys.secrets import PUBLIC_ID
from registry.keys.tags import name_fault, value_fault

MAX_FILTERS = 64


class Strict(BaseModel):
    """Query parameters: unknown ones are refused."""

    model_config = ConfigDict(extra="forbid")


class NoQuery(Strict):
    """None at all."""


class ListQuery(Strict):
    """Filters and page of the list."""

    tag: list[str] = Field(
        [], max_length=MAX_FILTERS, description="name:value; all must hold", examples=[["customer_id:acme"]]
    )
    status: Literal["active", "suspended", "expired", "revoked"] | None = None
    limit: Annotated[Whole, Field(ge=1, le=1000)] = 100
    cursor: str | None = Field(None, max_length=200)


class PageQuery(Strict):
    """A page."""

    limit: Annotated[Whole, Field(ge=1, le=1000)] = 100
    cursor: str | None = Field(None, max_length=200)


class AsOfQuery(Strict):
    """Valid time and known position."""

    at: Instant | None = Field(None, description="the key as of this instant")
    known_at: Whole | None = Field(None, description="by what the log held up to this position")


class ReasonQuery(Strict):
    """Why."""

    reason: Text | None = None


WaitFor = Annotated[
    Literal["gateway"] | None,
    Field(description="answer only when the gateway's own table of keys has it, or after 30 s"),
]


class WaitQuery(Strict):
    """What to wait for."""

    wait_for: WaitFor = None


class EndQuery(ReasonQuery):
    """Why, and what to wait for."""

    wait_for: WaitFor = None


class EditQuery(ReasonQuery):
    """Why, and from when."""

    effective_at: Instant | None = Field(None, description="from when the tags count; past instants need keys:backdate")


def tag_filters(texts: list[str]) -> dict[str, str] | None:
    """`name:value` filters, split at the first colon; None when no key can have them all. Raises FieldsRefused."""
    tags: dict[str, str] = {}
    possible = True
    for text in texts:
        name, colon, value = text.partition(":")
        fault = None if colon else "must be name:value"
        if fault is None and (why := name_fault(name)):
            fault = f"has a name that {why}"
        if fault is None and (why := value_fault(value)):
            fault = f"has a value that {why}"
        if fault is not None:
            raise FieldsRefused(FieldFault("tag", fault))
        possible = possible and tags.setdefault(name, value) == value
    return tags if possible else None


def checked_id(any_id: str, unknown: type[UnknownKey] = UnknownKey) -> str:
    """The id from a path. Raises `unknown` for one that nothing can have, before any database sees it."""
    if PUBLIC_ID.fullmatch(any_id) is None:
        raise unknown
    return any_id


def to_cursor(kind: str, number: int) -> str:
    return urlsafe_b64encode(f"{kind}:{number}".encode()).decode().rstrip("=")


def from_cursor(cursor: str | None, kind: str) -> int | None:
    if cursor is None:
        return None
    try:
        text = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        text = ""
    given, _, number = text.partition(":")
    if given != kind or not number.isdigit() or len(number) > 18 or to_cursor(kind, int(number)) != cursor:
        raise FieldsRefused(FieldFault("cursor", "is not one that a page of this list gave"))
    return int(number)
