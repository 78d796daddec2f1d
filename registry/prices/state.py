"""A price: all that was ever set of it, and what of that counts at an instant. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec
from msgspec.structs import replace

from registry.keys.events import Event
from registry.log.event_log import AnyEvent
from registry.prices.events import PriceEnded, PriceSet
from registry.prices.place import Place, place_of
from registry.prices.terms import Terms

Status = Literal["active", "scheduled", "ended"]


class PriceChange(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One event of a price: from when it counts, its position, and the terms; None: the price ended."""

    effective_ms: int
    position: int
    terms: Terms | None


class PriceState(msgspec.Struct, frozen=True, gc=False):
    """A price as the fold of its events. `changes` are in the order in which they count: (effective_ms, position)."""

    price_id: str
    model: str
    provider: str | None
    tags: dict[str, str]
    changes: tuple[PriceChange, ...]
    created_position: int
    position: int
    version: int

    @property
    def place(self) -> Place:
        """Where it stands among other prices."""
        return place_of(self.model, self.provider, self.tags)

    def known(self, position: int) -> PriceState | None:
        """The price by the events up to a position; None before its first."""
        if self.position <= position:
            return self
        changes = tuple(one for one in self.changes if one.position <= position)
        last = max((one.position for one in changes), default=None)
        return None if last is None else replace(self, changes=changes, position=last, version=len(changes))

    def at(self, ms: int) -> PriceChange | None:
        """The change that counts at an instant; None before the first."""
        return next((one for one in reversed(self.changes) if one.effective_ms <= ms), None)

    def after(self, ms: int) -> Iterator[PriceChange]:
        """The changes that come into effect after an instant, one for each instant: of several the last counts."""
        later = {one.effective_ms: one for one in self.changes if one.effective_ms > ms}
        return iter(later.values())

    def first_active(self, since_ms: int, until_ms: int | None) -> int | None:
        """The first millisecond from `since_ms` on, and before `until_ms`, at which the price rates; None: none."""
        now = self.at(since_ms)
        if now is not None and now.terms is not None:
            return since_ms
        first = next((one.effective_ms for one in self.after(since_ms) if one.terms is not None), None)
        return first if first is not None and (until_ms is None or first < until_ms) else None

    def status(self, ms: int) -> Status:
        """What the price is at an instant: a price that is to come is scheduled, also one that ended before."""
        now = self.at(ms)
        if now is not None and now.terms is not None:
            return "active"
        return "scheduled" if any(one.terms is not None for one in self.after(ms)) else "ended"


def evolve(state: PriceState | None, recorded: AnyEvent, event: Event) -> PriceState:
    """The state after an event. Raises ValueError for an event that can't follow the state: then the log is wrong."""
    if not isinstance(event, PriceSet | PriceEnded) or not _follows(state, recorded, event):
        raise ValueError(f"{recorded.type} at position {recorded.position} can't follow in its price's stream")
    terms = None
    if isinstance(event, PriceSet):
        terms = Terms(event.currency, event.per_million, event.per_inference, event.cost_multiplier)
    change = PriceChange(recorded.effective_us // 1000, recorded.position, terms)
    if state is None:
        position = recorded.position
        return PriceState(
            event.price_id, event.model, event.provider, event.tags, (change,), position, position, recorded.version
        )
    changes = tuple(sorted((*state.changes, change), key=lambda one: (one.effective_ms, one.position)))
    return replace(state, changes=changes, position=recorded.position, version=recorded.version)


def _follows(state: PriceState | None, recorded: AnyEvent, event: PriceSet | PriceEnded) -> bool:
    if state is None:
        return isinstance(event, PriceSet)
    same = (event.price_id, event.model, event.provider, event.tags)
    return recorded.position > state.position and same == (state.price_id, state.model, state.provider, state.tags)
