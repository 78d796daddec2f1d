"""What goes in and out of the admin API, as pydantic models: strict, with every limit, nothing mended in silence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from registry.errors import FieldFault, FieldsRefused
from registry.instant import parse_instant
from registry.keys.lifecycle import MAX_OVERLAP
from registry.keys.tags import MAX_TAGS, name_fault, value_fault
from registry.keys.text import MAX_LABEL, MAX_TEXT, label_fault, text_fault

_INSTANT_PATTERN = r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,32})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$"


def _instant(value: Any) -> datetime:
    if not isinstance(value, str):
        raise PydanticCustomError("instant", "must be an RFC 3339 time with an offset, as a string")
    try:
        return parse_instant(value)
    except ValueError as error:
        hint = "; in a URL a + is written %2B" if " " in value else ""
        raise PydanticCustomError("instant", "{why}", {"why": f"{error}{hint}"}) from None


def _checked(fault: Callable[[str], str | None]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if why := fault(text):
            raise PydanticCustomError("text", "{why}", {"why": why})
        return text

    return check


Instant = Annotated[
    datetime,
    BeforeValidator(_instant, json_schema_input_type=str),
    Field(json_schema_extra={"pattern": _INSTANT_PATTERN}),
]
Text = Annotated[str, Field(strict=True, max_length=MAX_TEXT), AfterValidator(_checked(text_fault))]
Label = Annotated[str, Field(strict=True, min_length=1, max_length=MAX_LABEL), AfterValidator(_checked(label_fault))]


def check_tags(tags: dict[str, Any], *, may_remove: bool) -> dict[str, Any]:
    """The tags of a body, every wrong name and value reported by its field. Raises ValidationError."""
    if len(tags) > (4 if may_remove else 1) * MAX_TAGS:  # before a look at each: a body has room for 50,000
        limit = "a patch names at most 256 tags" if may_remove else f"a key has at most {MAX_TAGS} tags"
        raise PydanticCustomError("tags", "{why}", {"why": limit})
    errors: list[InitErrorDetails] = []

    def refuse(at: tuple[str, ...], value: object, why: str) -> None:
        kind = PydanticCustomError("tag", "{why}", {"why": why})
        errors.append(InitErrorDetails(type=kind, loc=at, input=value))

    for name, value in tags.items():
        if why := name_fault(name):
            refuse((name[:200],), value, f"the tag's name {why}")
        if not isinstance(value, str):
            if value is not None or not may_remove:
                refuse((name[:200],), value, "must be a string" + (" or null" if may_remove else ""))
        elif why := value_fault(value):
            refuse((name[:200],), value, why)
    if sum(value is not None for value in tags.values()) > MAX_TAGS:
        refuse((), None, f"a key has at most {MAX_TAGS} tags")
    if errors:
        raise ValidationError.from_exception_data("tags", errors)
    return tags


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PydanticCustomError("object", "must be a JSON object of names and values")
    return value


def _new_tags(value: Any) -> dict[str, Any]:
    return check_tags(_object(value), may_remove=False)


def _patch_tags(value: Any) -> dict[str, Any]:
    return check_tags(_object(value), may_remove=True)


_TAG_NOTE = (
    "Names 1 to 128 bytes of UTF-8, values 1 to 256; NFC, no control or format characters, no blanks at the ends."
    " A name has no colon, does not begin with `keyledger.` and is none of model, provider, function, hour, day, month."
)
NewTags = Annotated[dict[str, str], BeforeValidator(_new_tags), Field(description=_TAG_NOTE)]
PatchTags = Annotated[dict[str, str | None], BeforeValidator(_patch_tags), Field(description=_TAG_NOTE)]


def _only_true(value: Any) -> Any:
    """True itself: to the library's comparison 1 is true too."""
    if value is not True:
        raise PydanticCustomError("true", "must be true, or left out")
    return value


def _without_default(schema: dict[str, Any]) -> None:
    """For a member that has a default in name only: leaving it out means something else."""
    schema.pop("default", None)


class Body(BaseModel):
    """A request body: unknown members are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CreateKeyBody(Body):
    """A key to make."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"tags": {"customer_id": "acme", "billing_tier": "gold"}, "description": "production"}]
        }
    )
    tags: NewTags = {}
    description: Text | None = None
    expiration: Instant | None = None
    organization: Label = "default"
    workspace: Label = "default"


class EditKeyBody(Body):
    """A JSON merge patch (RFC 7396): what is absent stays, null removes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tags": {"customer_id": "globex", "project_id": None}}]})
    tags: PatchTags = {}
    description: Text | None = None
    expiration: Instant | None = None


class ReasonBody(Body):
    """Why."""

    reason: Text | None = None


class RotateBody(Body):
    """How the credentials end that a rotation replaces: after a while, or at once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"overlap_s": 3600}],
            "oneOf": [{"required": ["overlap_s"]}, {"required": ["compromised"]}],
        }
    )
    overlap_s: Annotated[int, Field(strict=True, ge=0, le=MAX_OVERLAP // timedelta(seconds=1))] = Field(
        0, description="the others work so many seconds longer", json_schema_extra=_without_default
    )
    compromised: Annotated[Literal[True], BeforeValidator(_only_true)] = Field(
        True, description="the others end at once", json_schema_extra=_without_default
    )

    @property
    def overlap(self) -> timedelta | None:
        """How long the others go on; None: they are compromised. Raises FieldsRefused unless exactly one is given."""
        if self.model_fields_set == {"overlap_s"}:
            return timedelta(seconds=self.overlap_s)
        if self.model_fields_set == {"compromised"}:
            return None
        field, why = ("compromised", "goes without overlap_s") if self.model_fields_set else ("overlap_s", "is needed")
        raise FieldsRefused(FieldFault(field, f"{why}: give one of overlap_s and compromised"))


class CredentialOut(BaseModel):
    """One secret of a key; its id is the 12-character part inside it."""

    credential_id: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None


class KeyOut(BaseModel):
    """A key as every answer shows it."""

    public_id: str = Field(examples=["k3yPubl1cId0"])
    tags: dict[str, str] = Field(examples=[{"customer_id": "acme"}])
    description: str | None
    organization: str
    workspace: str
    status: Literal["active", "expired", "revoked", "suspended"]
    created_at: str = Field(examples=["2026-03-01T00:00:00.000Z"])
    expiration: str | None
    revoked_at: str | None
    credentials: list[CredentialOut]
    position: int
    version: int


class NewKeyOut(KeyOut):
    """A key with a new secret, which is shown this once."""

    api_key: str = Field(examples=["sk-t0-<12 characters>-<48 characters>"])


class KeyPage(BaseModel):
    """A page of keys, newest first; `next_cursor` is null on the last."""

    items: list[KeyOut]
    next_cursor: str | None


class EventOut(BaseModel):
    """One event of a key's history."""

    position: int
    version: int
    type: str
    recorded_at: str
    effective_at: str
    actor: str
    on_behalf_of: str | None
    reason: str | None
    data: dict[str, Any]


class HistoryPage(BaseModel):
    """A page of a key's history, oldest first; `next_cursor` is null on the last."""

    items: list[EventOut]
    next_cursor: str | None
