"""What a caller can request for a price, and the decisions. Pure. They run under the log's lock, as those on keys.

A decision sees the other prices at the price's place (`StreamView.rivals`): no others can tie with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from registry.errors import Conflict, FieldFault, FieldsRefused, Forbidden, UnknownPrice
from registry.instant import cut_ms, format_ms, from_ms, to_ms
from registry.log.event_log import NewEvent, StreamView
from registry.prices.events import PriceEnded, PriceSet
from registry.prices.place import hold_together
from registry.prices.state import PriceChange, PriceState
from registry.prices.terms import NewPrice, selector_of

# How far ahead a price may be set.
MAX_AHEAD: Final = timedelta(days=366)
# Events of one price: its state holds them all.
MAX_VERSIONS: Final = 1000


@dataclass(frozen=True, slots=True)
class When:
    """From when a change counts (None: from now on), why, and whether the caller may name a time in the past."""

    effective_at: datetime | None = None
    reason: str | None = None
    may_backdate: bool = False

    @property
    def cut(self) -> datetime | None:
        """The instant that counts: in whole milliseconds."""
        return None if self.effective_at is None else cut_ms(self.effective_at)


def set_price(price: NewPrice, when: When, view: StreamView) -> Sequence[NewEvent]:
    """Decide a price's terms from an instant on, until its next change. Those that it has then anyway are no event."""
    at_ms = _instant(when, view.now)
    state: PriceState | None = view.state
    if state is not None:
        if selector_of(price) != (state.model, state.provider, state.tags):
            raise Conflict("a price keeps its model, provider and tags for life: end it, and set another price_id")
        now = state.at(at_ms)
        if now is not None and now.terms is not None and now.terms.same(price.terms):
            return []
        _refuse_full(state, 1)
    _refuse_ties(price, at_ms, state, view.rivals)
    terms = price.terms
    event = PriceSet(
        price_id=price.price_id,
        model=price.model,
        provider=price.provider,
        tags=price.tags,
        currency=terms.currency,
        per_million=terms.per_million,
        per_inference=terms.per_inference,
        cost_multiplier=terms.cost_multiplier,
    )
    return [NewEvent(event, when.cut)]


def end_price(when: When, view: StreamView) -> Sequence[NewEvent]:
    """Decide the end of a price from an instant on, with all that is scheduled after it. A repeat changes nothing."""
    if view.state is None:
        raise UnknownPrice
    state: PriceState = view.state
    at_ms = _instant(when, view.now)
    now = state.at(at_ms)
    ends = [] if now is None or now.terms is None else [NewEvent(_ended(state, now), when.cut)]
    ends += [
        NewEvent(_ended(state, one), from_ms(one.effective_ms)) for one in state.after(at_ms) if one.terms is not None
    ]
    _refuse_full(state, len(ends))
    return ends


def _ended(state: PriceState, change: PriceChange) -> PriceEnded:
    if change.terms is None:
        raise ValueError("what ended can't end")
    return PriceEnded(state.price_id, state.model, state.provider, state.tags, change.terms.currency)


def _instant(when: When, now: datetime) -> int:
    """The millisecond from which a change counts; in the past it needs scope and reason."""
    at = when.effective_at
    if at is None:
        return to_ms(now)
    if at > now + MAX_AHEAD:
        message = f"must be at most {MAX_AHEAD.days} days ahead; it is {format_ms(now)} now"
        raise FieldsRefused(FieldFault("effective_at", message))
    if at < cut_ms(now):
        if not when.may_backdate:
            raise Forbidden("an effective_at in the past needs the scope prices:backdate")
        if not (when.reason or "").strip():
            raise FieldsRefused(FieldFault("reason", "is required with an effective_at in the past"))
    return to_ms(at)


def _refuse_full(state: PriceState, more: int) -> None:
    if state.version + more > MAX_VERSIONS:
        raise Conflict(f"a price has at most {MAX_VERSIONS} events: end it, and set another price_id")


def _refuse_ties(price: NewPrice, at_ms: int, state: PriceState | None, rivals: Sequence[PriceState]) -> None:
    """Refuse a price that some row would fit as well as another, at an instant at which both are in effect.

    The event is in effect until the price's next change: what comes after was checked when it was set.
    """
    until_ms = None if state is None else next((one.effective_ms for one in state.after(at_ms)), None)
    for rival in rivals:
        if rival.price_id != price.price_id and hold_together(rival.tags, price.tags):
            tie_ms = rival.first_active(at_ms, until_ms)
            if tie_ms is not None:
                raise Conflict(
                    f"the price {rival.price_id} rates the same rows as specifically, from {format_ms(from_ms(tie_ms))}"
                    " on: end it first, or let one of the two name another model, provider or number of tags"
                )
