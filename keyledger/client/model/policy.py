"""The tag policy."""

from __future__ import annotations

from datetime import datetime

import msgspec


class TagRule(msgspec.Struct, frozen=True):
    """What holds for the tag of a name; None: any value."""

    required: bool
    values: list[str] | None
    pattern: str | None
    description: str | None


class TagPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The tag policy that counts; version 0 where none was ever set."""

    tags: dict[str, TagRule]
    closed: bool
    set_at: datetime | None
    position: int
    version: int


class Breach(msgspec.Struct, frozen=True):
    """What is against a policy in a tag; of a scheduled change, with its position."""

    field: str
    message: str
    scheduled_position: int | None


class BreakingKey(msgspec.Struct, frozen=True):
    """A key that breaks a policy."""

    public_id: str
    breaches: list[Breach]


class PolicyReport(msgspec.Struct, frozen=True):
    """The keys that break a policy; the first 1,000 are listed."""

    checked: int
    breaking: int
    items: list[BreakingKey]
    position: int
