"""The bodies of calls on keys, as pydantic models: strict, with every limit."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from keyledger.http.billing.what_if import WhatIfQuery
from keyledger.http.request.field_types import Instant, Label, NewTags, PatchTags, Text
from keyledger.http.request.query_params import EditQuery
from keyledger.http.request.request_body import Body
from registry.errors import FieldFault, FieldsRefused
from registry.keys.details import KeyDetails
from registry.keys.lifecycle import MAX_OVERLAP

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


class EditKeyQuery(EditQuery, WhatIfQuery):
    """Why, from when, and whether only to say what it would do to bills."""


class ReasonBody(Body):
    """Why."""

    reason: Text | None = Field(None, description="why, for the log", examples=["ticket 4711"])


class RotateBody(Body):
    """How the credentials end that a rotation replaces: after a while, or at once."""

    model_config = ConfigDict(json_schema_extra=_one_of_two)
    overlap_s: Annotated[int, Field(strict=True, ge=0, le=MAX_OVERLAP // timedelta(seconds=1))] = Field(
        0, description="the others work so many seconds longer", examples=[3600]
    )
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
