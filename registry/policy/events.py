"""The fact about the tag policy in the log. Pure values."""

from __future__ import annotations

from typing import Final

import msgspec

from registry.keys.events import Event

POLICY_STREAM: Final = "tag-policy"


class TagRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What holds for the tag of a name: whether each key must have it, and what its value may be.

    `values` are the only ones allowed; the whole value must match `pattern`, in RE2 syntax. None: any value.
    """

    required: bool
    values: tuple[str, ...] | None
    pattern: str | None
    description: str | None


class TagPolicySet(Event, frozen=True):
    """From now on, keys are made and edited by these rules, by name of tag; those of before do not count any more.

    `closed`: a key may have no tag but these.
    """

    tags: dict[str, TagRule]
    closed: bool
