"""The bodies of calls on keys, as pydantic models: strict, with every limit."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from keyledger.http.request.field_types import Instant, Label, NewTags, PatchTags, Text
from keyledger.http.request.request_body import Body
from registry.errors import FieldFault, FieldsRefused
from registry.keys.details import KeyDetails
from registry.keys.lifecycle import MAX_OVERLAP


def _only_true(value: Any) -> Any:
    """True itself: to the library's comparison 1 is true too."""
    if value is not True:
        raise PydanticCustomError("true", "must be true, or left out")
    return value


def _without_default(schema: dict[str, Any]) -> None:
    """For a member that has a default in name only: leaving it out means something else."""
    schema.pop("default", None)


class CreateKeyBody(Body):
    """A key to make."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"tags": {"customer_id": "acme", "billing_tier": "gold"}, "description": "production"}]
        }
    )
    tags: NewTags = Field({})
    description: Text | None = None
    expiration: Instant | None = None
    organization: Label = "default"
    workspace: Label = "default"

    @property
    def details(self) -> KeyDetails:
        """The descriptive fields."""
        return KeyDetails(description=self.description, organization=self.organization, workspace=self.workspace)


class EditKeyBody(Body):
    """A JSON merge patch (RFC 7396): what is absent stays, null removes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tags": {"customer_id": "globex", "project_id": None}}]})
    tags: PatchTags = Field({})
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
