"""What a call takes besides its body: query parameters, filters, cursors and ids from paths, each read strictly."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from keyledger.http.request.field_types import Instant, Label, PageLimit, SearchText, TagName, Text, Whole
from registry.errors import FieldFault, FieldsRefused, UnknownKey
from registry.keys.filters import KeyFilters
from registry.keys.secrets import PUBLIC_ID
from registry.keys.tags import name_fault, value_fault

MAX_FILTERS = 64

PublicId = Annotated[str, Path(description="the id of any credential of the key", examples=["k3yPubl1cId0"])]
CredentialId = Annotated[str, Path(description="the id of the credential", examples=["k3yPubl1cId0"])]
ScheduledPosition = Annotated[
    Whole, Path(description="the position of the scheduled change, as the key lists it", examples=[42])
]
Cursor = Annotated[
    str | None,
    Field(max_length=200, description="the `next_cursor` of the page before", examples=["a2V5czo0Mg"]),
]
KnownAt = Annotated[Whole | None, Field(description="by what the log held up to this position", examples=[42])]
UsageKnownAt = Annotated[
    Whole | None, Field(description="by the usage that the log had anchored up to this position", examples=[42])
]
WaitForPosition = Annotated[Whole | None, Field(description="wait until this position is applied", examples=[42])]
Limit = Annotated[PageLimit, Field(description="how many at most", examples=[100])]


class Strict(BaseModel):
    """Query parameters: unknown ones are refused."""

    model_config = ConfigDict(extra="forbid")


class NoQuery(Strict):
    """None at all."""


class FilterQuery(Strict):
    """What keys a list is of: all must hold."""

    tag: list[str] = Field(
        [], max_length=MAX_FILTERS, description="name:value; all must hold", examples=[["customer_id:acme"]]
    )
    has_tag: list[TagName] = Field(
        [], max_length=MAX_FILTERS, description="names of tags that a key has", examples=[["customer_id"]]
    )
    lacks_tag: list[TagName] = Field(
        [], max_length=MAX_FILTERS, description="names of tags that a key has not", examples=[["project_id"]]
    )
    status: list[Literal["active", "suspended", "expired", "revoked"]] = Field(
        [], max_length=MAX_FILTERS, description="any of these", examples=[["active"]]
    )
    organization: Label | None = Field(None, description="the gateway's organization", examples=["default"])
    workspace: Label | None = Field(None, description="the gateway's workspace", examples=["default"])
    q: SearchText | None = Field(
        None,
        description="a text in the ids, the description or the value of a tag, without regard to case",
        examples=["acme"],
    )
    created_since: Instant | None = Field(None, description="inclusive", examples=["2026-03-01T00:00:00Z"])
    created_until: Instant | None = Field(None, description="exclusive", examples=["2026-04-01T00:00:00Z"])
    expires_since: Instant | None = Field(None, description="inclusive", examples=["2026-03-01T00:00:00Z"])
    expires_until: Instant | None = Field(None, description="exclusive", examples=["2026-04-01T00:00:00Z"])

    def filters(self) -> KeyFilters | None:
        """The same as the registry has it; None when no key can pass. Raises FieldsRefused."""
        tags = tag_filters(self.tag)
        faults = [
            FieldFault(f"{what}_until", f"must be after {what}_since")
            for what, since, until in (
                ("created", self.created_since, self.created_until),
                ("expires", self.expires_since, self.expires_until),
            )
            if since is not None and until is not None and until <= since
        ]
        if faults:
            raise FieldsRefused(*faults)
        if tags is None:
            return None
        return KeyFilters(
            tags=tags,
            has_tag=self.has_tag,
            lacks_tag=self.lacks_tag,
            status=self.status,
            organization=self.organization,
            workspace=self.workspace,
            text=self.q,
            created_since=self.created_since,
            created_until=self.created_until,
            expires_since=self.expires_since,
            expires_until=self.expires_until,
        )


class ListQuery(FilterQuery):
    """Filters and page of the list."""

    count: bool = Field(False, description="also how many pass in all, as `total`", examples=[True])
    limit: Limit = 100
    cursor: Cursor = None


class PageQuery(Strict):
    """A page."""

    limit: Limit = 100
    cursor: Cursor = None


class AsOfQuery(Strict):
    """Valid time and known position."""

    at: Instant | None = Field(None, description="the key as of this instant", examples=["2026-03-01T00:00:00Z"])
    known_at: KnownAt = None


class ReasonQuery(Strict):
    """Why."""

    reason: Text | None = Field(None, description="why, for the log", examples=["ticket 4711"])


WaitFor = Annotated[
    Literal["gateway"] | None,
    Field(description="answer only when the gateway's own table of keys has it, or after 30 s", examples=["gateway"]),
]


class WaitQuery(Strict):
    """What to wait for."""

    wait_for: WaitFor = None


class EndQuery(ReasonQuery):
    """Why, and what to wait for."""

    wait_for: WaitFor = None


class EditQuery(ReasonQuery):
    """Why, and from when."""

    effective_at: Instant | None = Field(
        None,
        description="from when the tags count; past instants need keys:backdate, a future one schedules the change",
        examples=["2026-03-01T00:00:00Z"],
    )


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


def to_cursor(kind: str, *numbers: int) -> str:
    text = ":".join((kind, *map(str, numbers)))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def from_cursor(cursor: str | None, kind: str) -> int | None:
    found = numbers_of(cursor, kind, 1, digits=18)
    return None if found is None else found[0]


def numbers_of(cursor: str | None, kind: str, count: int, *, digits: int) -> list[int] | None:
    """So many numbers, none below 0, that `to_cursor` wrote; None without a cursor. Raises FieldsRefused."""
    if cursor is None:
        return None
    try:
        text = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        text = ""
    given, *parts = text.split(":")
    if given == kind and len(parts) == count and all(one.isdigit() and len(one) <= digits for one in parts):
        numbers = [int(one) for one in parts]
        if to_cursor(kind, *numbers) == cursor:
            return numbers
    raise FieldsRefused(FieldFault("cursor", "is not one that a page of this list gave"))
