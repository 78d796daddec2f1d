"""What keys a list or a bulk edit is of. Pure. `registry.lists.conditions` is the same as SQL: a test compares them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from registry.keys.search import folded, search_text
from registry.keys.state import KeyState


@dataclass(frozen=True, slots=True)
class KeyFilters:
    """All must hold; of `status`, any one. Instants: `since` is inclusive, `until` exclusive.

    `public_ids`: of these keys. `text` is looked for in ids, descriptions and tag values, without regard to case.
    """

    public_ids: AbstractSet[str] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    has_tag: Sequence[str] = ()
    lacks_tag: Sequence[str] = ()
    status: Sequence[str] = ()
    organization: str | None = None
    workspace: str | None = None
    text: str | None = None
    created_since: datetime | None = None
    created_until: datetime | None = None
    expires_since: datetime | None = None
    expires_until: datetime | None = None

    def match(self, key: KeyState, now: datetime) -> bool:
        """Whether a key passes them at a time that is not before its last event."""
        return all(self._conditions(key, now))

    def _conditions(self, key: KeyState, now: datetime) -> Iterator[bool]:
        tags = key.tags(now)
        yield self.public_ids is None or key.public_id in self.public_ids
        yield self.tags.items() <= tags.items()
        yield tags.keys() >= set(self.has_tag)
        yield tags.keys().isdisjoint(self.lacks_tag)
        yield not self.status or key.status(now) in self.status
        yield self.organization in {None, key.details.organization}
        yield self.workspace in {None, key.details.workspace}
        yield self.text is None or folded(self.text) in search_text(key, now)
        yield _within(key.created_at, self.created_since, self.created_until)
        yield _within(key.expiration, self.expires_since, self.expires_until)


def _within(at: datetime | None, since: datetime | None, until: datetime | None) -> bool:
    if at is None:
        return since is None and until is None
    return (since is None or at >= since) and (until is None or at < until)
