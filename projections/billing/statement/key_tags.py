"""All tags of some keys as of instants, whatever a bill is grouped by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from projections.billing.statement.scope import Scope
from projections.engine.client import ClickHouse

_KEYS_AT_ONCE = 1000
# A change of a tag in the order in which it counts: instant, position, name, and the value, None where it was removed.
_Change = tuple[int, int, str, str | None]


@dataclass(frozen=True)
class TagAt:
    """A tag, and the position of the event that set it."""

    value: str
    position: int


async def key_tags(
    clickhouse: ClickHouse, scope: Scope, wanted: Iterable[tuple[str, int]], position: int, until_ms: int
) -> dict[tuple[str, int], Mapping[str, TagAt]]:
    """The tags of keys as of milliseconds before `until_ms`, as known at a position, in the order of their names.

    One statement for a thousand keys. Raises ClickHouseError.
    """
    instants: dict[str, set[int]] = {}
    for public_id, at_ms in wanted:
        instants.setdefault(public_id, set()).add(at_ms)
    found, keys = {}, sorted(instants)
    for first in range(0, len(keys), _KEYS_AT_ONCE):
        some = keys[first : first + _KEYS_AT_ONCE]
        parameters = {"position": position, "until_ms": until_ms, "public_ids": some}
        changes: dict[str, list[_Change]] = {public_id: [] for public_id in some}
        for public_id, *change in await clickhouse.query(scope.sql("bill/tag_changes"), parameters):
            changes[public_id].append((change[0], change[1], change[2], change[3]))
        for public_id in some:
            for at_ms, tags in _as_of_each(changes[public_id], sorted(instants[public_id])):
                found[public_id, at_ms] = tags
    return found


def _as_of_each(changes: Sequence[_Change], instants: Sequence[int]) -> Iterable[tuple[int, Mapping[str, TagAt]]]:
    """The tags at each of the instants, which are in order. Each change is read once; what is the same is shared."""
    tags: dict[str, TagAt] = {}
    read = 0
    for at_ms in instants:
        first = read
        while read < len(changes) and changes[read][0] <= at_ms:
            read += 1
        if read > first:
            tags = dict(sorted(_after(tags, changes[first:read]).items()))
        yield at_ms, tags


def _after(tags: Mapping[str, TagAt], changes: Sequence[_Change]) -> dict[str, TagAt]:
    last: dict[str, TagAt | None] = dict(tags)
    for _, position, tag, value in changes:
        last[tag] = None if value is None else TagAt(value, position)
    return {tag: one for tag, one in last.items() if one is not None}
