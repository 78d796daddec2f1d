"""The bodies of calls on keys, as pydantic models: strict, with every limit."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from keyledger.http.billing.what_if import WhatIfQuery
from keyledger.http.request.field_types import Instant, Label, NewTags, Overlap, PatchTags, TagName, Text, Whole
from keyledger.http.request.query_params import MAX_FILTERS, EditQuery
from keyledger.http.request.request_body import Body
from registry.errors import FieldFault, FieldsRefused
from registry.keys.bulk import MAX_CHANGED, MAX_CREATED
from registry.keys.commands import UNSET, EditKey
from registry.keys.details import KeyDetails

_END = "2027-01-01T00:00:00Z"


def _only_true(value: Any) -> Any:
    """True itself: to the library's comparison 1 is true too."""
    if value is not True:
        raise PydanticCustomError("true", "must be true, or left out")
    return value


def _one_of_two(schema: dict[str, Any]) -> None:
    """As two objects of one member each, by name: generators make two types of them, and no third that has neither."""
    choices = {"overlap_s": "RotateWithOverlap", "compromised": "RotateCompromised"}
    schema["oneOf"] = [
        {
            "title": title,
            "type": "object",
            "description": f"Of a rotation: {schema['properties'][name]['description']}.",
            "additionalProperties": False,
            "properties": {name: schema["properties"][name]},
            "required": [name],
        }
        for name, title in choices.items()
    ]
    for name in ("type", "additionalProperties", "properties"):
        del schema[name]


class CreateKeyBody(Body):
    """A key to make."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"tags": {"customer_id": "acme", "billing_tier": "gold"}, "description": "production"}]
        }
    )
    tags: NewTags = Field({}, examples=[{"customer_id": "acme", "billing_tier": "gold"}])
    description: Text | None = Field(None, description="a note for people", examples=["production"])
    expiration: Instant | None = Field(None, description="from when it does not work any more", examples=[_END])
    organization: Label = Field(
        "default", description="the gateway's organization; `default` where not given", examples=["default"]
    )
    workspace: Label = Field(
        "default", description="the gateway's workspace; `default` where not given", examples=["default"]
    )

    @property
    def details(self) -> KeyDetails:
        """The descriptive fields."""
        return KeyDetails(description=self.description, organization=self.organization, workspace=self.workspace)


class EditKeyBody(Body):
    """A JSON merge patch (RFC 7396): what is absent stays, null removes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tags": {"customer_id": "globex", "project_id": None}}]})
    tags: PatchTags = Field({}, examples=[{"customer_id": "globex", "project_id": None}])
    description: Text | None = Field(None, description="a note for people; null removes it", examples=["production"])
    expiration: Instant | None = Field(
        None, description="from when it does not work any more; null: it does not expire", examples=[_END]
    )

    def command(self, effective_at: datetime | None, reason: str | None, *, may_backdate: bool) -> EditKey:
        """The patch as the registry has it."""
        given = self.model_fields_set
        return EditKey(
            tags=self.tags if "tags" in given else UNSET,
            description=self.description if "description" in given else UNSET,
            expiration=self.expiration if "expiration" in given else UNSET,
            effective_at=effective_at,
            reason=reason,
            may_backdate=may_backdate,
        )


class BulkCreateBody(Body):
    """Keys to make, all or none."""

    items: list[CreateKeyBody] = Field(min_length=1, max_length=MAX_CREATED, description="the keys, in their order")


def _listed(value: Any) -> Any:
    """One text as a list of it."""
    return [value] if isinstance(value, str) else value


Names = Annotated[list[TagName], BeforeValidator(_listed), Field(max_length=MAX_FILTERS)]
Statuses = Annotated[
    list[Literal["active", "suspended", "expired", "revoked"]], BeforeValidator(_listed), Field(max_length=MAX_FILTERS)
]
KeyIds = Annotated[list[Annotated[str, Field(strict=True)]], Field(min_length=1, max_length=MAX_CHANGED)]


class SelectBody(Body):
    """Which keys: those for which all that is given holds."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tags": {"customer_id": "acme"}, "status": ["active"]}]})
    public_ids: KeyIds | None = Field(
        None, description="of these keys, by the id of any credential", examples=[["k3yPubl1cId0"]]
    )
    tags: NewTags | None = Field(None, examples=[{"customer_id": "acme"}])
    has_tag: Names = Field([], description="names of tags that a key has; or one name", examples=[["customer_id"]])
    lacks_tag: Names = Field([], description="names of tags that a key has not; or one name", examples=[["trial"]])
    organization: Label | None = Field(None, description="the gateway's organization", examples=["default"])
    workspace: Label | None = Field(None, description="the gateway's workspace", examples=["default"])
    status: Statuses = Field([], description="any of these; or one of them", examples=[["active"]])

    @model_validator(mode="after")
    def _is_of_something(self) -> SelectBody:
        if not any(getattr(self, name) for name in type(self).model_fields):
            raise PydanticCustomError("select", "must say which keys: nothing is not all of them")
        return self


class BulkEditBody(Body):
    """The same change of many keys: a patch, or an action."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"select": {"tags": {"customer_id": "acme"}}, "patch": {"tags": {"customer_id": "globex"}}}]
        }
    )
    select: SelectBody = Field(description="which keys")
    patch: EditKeyBody | None = Field(None, description="a merge patch, as for one key; goes without action")
    action: Literal["suspend", "resume", "revoke"] | None = Field(
        None, description="what is done with each; goes without patch", examples=["suspend"]
    )
    reason: Text | None = Field(None, description="why, for the log", examples=["ticket 4711"])
    effective_at: Instant | None = Field(
        None,
        description="from when the tags count, in the past or the future, as for one key",
        examples=["2026-03-01T00:00:00Z"],
    )
    dry_run: Annotated[bool, Field(strict=True)] = Field(
        False, description="change nothing, and say what would be changed", examples=[True]
    )
    expected_count: Whole | None = Field(
        None, description="how many keys must match; 409 where others do", examples=[12]
    )


class EditKeyQuery(EditQuery, WhatIfQuery):
    """Why, from when, and whether only to say what it would do to bills."""


class ReasonBody(Body):
    """Why."""

    reason: Text | None = Field(None, description="why, for the log", examples=["ticket 4711"])


class RotateBody(Body):
    """How the credentials end that a rotation replaces: after a while, or at once."""

    model_config = ConfigDict(json_schema_extra=_one_of_two)
    overlap_s: Overlap = Field(0, description="the others work so many seconds longer", examples=[3600])
    compromised: Annotated[Literal[True], BeforeValidator(_only_true)] = Field(
        True, description="the others end at once", examples=[True]
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
