"""What keys a list is of, as the conditions of its statement."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Text, any_, func, literal, literal_column, or_
from sqlalchemy.dialects.postgresql import JSONB

from registry.db.tables import key_state
from registry.keys.filters import KeyFilters
from registry.keys.search import folded

# The names of a key's tags, as their index has them.
_TAG_NAMES: ColumnElement[Any] = func.jsonb_path_query_array(
    key_state.c.tags, literal_column("'$.keyvalue().key'"), type_=JSONB
)


def conditions(wanted: KeyFilters, now: Any) -> list[ColumnElement[bool]]:
    """What must be true of the rows of keys; `now` is the clock, as SQL has it."""
    return list(_conditions(wanted, now))


def _conditions(wanted: KeyFilters, now: Any) -> Iterator[ColumnElement[bool]]:
    key = key_state.c
    if wanted.public_ids is not None:
        yield key.public_id == any_(literal(list(wanted.public_ids), ARRAY(Text)))
    if wanted.tags:
        yield key.tags.contains(dict(wanted.tags))
    if wanted.has_tag:
        yield _TAG_NAMES.op("@>", is_comparison=True)(literal(list(wanted.has_tag), JSONB))
    for name in wanted.lacks_tag:
        yield ~key.tags.has_key(name)
    if wanted.status:
        yield or_(*(_status_is(status, now) for status in wanted.status))
    if wanted.text:
        yield func.strpos(key.search, folded(wanted.text)) > 0
    for column, value in ((key.organization, wanted.organization), (key.workspace, wanted.workspace)):
        if value is not None:
            yield column == value
    yield from _within(key.created_at, wanted.created_since, wanted.created_until)
    yield from _within(key.expiration, wanted.expires_since, wanted.expires_until)


def _within(
    column: ColumnElement[Any], since: datetime | None, until: datetime | None
) -> Iterator[ColumnElement[bool]]:
    if since is not None:
        yield column >= since
    if until is not None:
        yield column < until


def _status_is(status: str, now: Any) -> ColumnElement[bool]:
    revoked = key_state.c.revoked_at.is_not(None)
    suspended = ~revoked & key_state.c.suspended_at.is_not(None)
    expired = key_state.c.expiration <= now  # NULL, which no index holds, is no end
    if status == "revoked":
        return revoked
    if status == "suspended":
        return suspended
    works = ~revoked & key_state.c.suspended_at.is_(None)
    ends: ColumnElement[bool] = expired if status == "expired" else key_state.c.expiration.is_(None) | ~expired
    return works & ends
