"""Calls on the tag policy. They need the scope admin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from keyledger.client.call import Call, body_of, query_of
from keyledger.client.model.policy import PolicyReport, TagPolicy

_PATH: Final = "/admin/tag-policy"


def show_tag_policy() -> Call[TagPolicy]:
    """Show the tag policy that counts."""
    return Call("GET", _PATH, TagPolicy)


def set_tag_policy(
    tags: Mapping[str, Mapping[str, Any]], *, closed: bool = False, reason: str | None = None
) -> Call[TagPolicy]:
    """Set the tag policy in place of the one before.

    Each rule has `required`, `values`, `pattern` and `description`, or some of them.
    """
    return Call("PUT", _PATH, TagPolicy, query_of(reason=reason), body_of(tags=tags, closed=closed), changes=True)


def try_tag_policy(tags: Mapping[str, Mapping[str, Any]], *, closed: bool = False) -> Call[PolicyReport]:
    """Which keys would break a policy. Nothing is changed."""
    return Call("PUT", _PATH, PolicyReport, query_of(dry_run=True), body_of(tags=tags, closed=closed), changes=True)
