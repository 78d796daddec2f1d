"""Fields of the tag policy and of the report on keys that break one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_RULES: Final = {"customer_id": {"required": True, "values": None, "pattern": "[a-z0-9-]+", "description": None}}
POLICY: Final[Mapping[str, tuple[str, Any]]] = {
    "TagPolicy.tags": ("rules by name of tag", _RULES),
    "closed": ("whether a key may have no tag but these", True),
    "set_at": ("when it was set; null: never, and all is allowed", "2026-03-14T09:26:53.589793Z"),
    "TagPolicy.position": ("the position of its event; 0: there is none", 42),
    "TagPolicy.version": ("how many times it was set", 1),
    "required": ("whether each key must have the tag", True),
    "TagRule.values": ("the only values allowed; null: any", ["gold", "silver"]),
    "pattern": ("what the whole value must match, in RE2 syntax; null: any", "[a-z0-9-]+"),
    "TagRule.description": ("what the tag is for", "the id in the CRM"),
    "checked": ("how many keys were looked at: all but revoked ones", 1200),
    "breaking": ("how many of them break the policy", 3),
    "PolicyReport.items": ("those that break it, by id, the first 1,000", None),
    "PolicyReport.position": ("the log's head when the keys were read", 42),
    "breaches": ("what is against the policy", None),
    "Breach.field": ("the tag", "tags.billing_tier"),
    "Breach.message": ("what is wrong with it", "the tag policy allows gold, silver"),
    "scheduled_position": ("the position of the scheduled change that sets it; null: the key has it now", 42),
}
