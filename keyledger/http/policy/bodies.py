"""The tag policy as callers set it. What a policy may say, the registry decides."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from keyledger.http.request.query_params import ReasonQuery
from keyledger.http.request.request_body import Body
from registry.policy.events import TagPolicySet, TagRule

_EXAMPLE: dict[str, Any] = {
    "tags": {
        "customer_id": {"required": True, "pattern": "[a-z0-9-]+", "description": "the id in the CRM"},
        "billing_tier": {"required": True, "values": ["gold", "silver"]},
        "note": {},
    },
    "closed": True,
}
_Name = Annotated[str, Field(strict=True)]


class TagRuleBody(Body):
    """What holds for the tag of a name."""

    required: bool = Field(False, strict=True, description="each key must have it", examples=[True])
    values: list[_Name] | None = Field(
        None, description="the only values allowed; null: any", examples=[["gold", "silver"]]
    )
    pattern: _Name | None = Field(
        None, description="the whole value must match it, in RE2 syntax; null: any", examples=["[a-z0-9-]+"]
    )
    description: _Name | None = Field(None, description="what it is for", examples=["the id in the CRM"])

    def rule(self) -> TagRule:
        """The same as the registry has it."""
        return TagRule(
            self.required, None if self.values is None else tuple(self.values), self.pattern, self.description
        )


class TagPolicyBody(Body):
    """A tag policy. It takes the place of the one before."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    tags: dict[_Name, TagRuleBody] = Field(description="rules by name of tag", examples=[_EXAMPLE["tags"]])
    closed: bool = Field(False, strict=True, description="a key may have no tag but these", examples=[True])

    def policy(self) -> TagPolicySet:
        """The same as the registry has it."""
        return TagPolicySet({name: rule.rule() for name, rule in self.tags.items()}, self.closed)


class PolicyQuery(ReasonQuery):
    """Why it is set, and whether only to say which keys would break it."""

    dry_run: bool = Field(False, description="change nothing, and answer which keys would break it", examples=[False])
