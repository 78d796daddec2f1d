"""A price book in memory: what would happen if prices were set, before anything is. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from registry.instant import cut_ms, to_us
from registry.log import codec
from registry.log.event_log import Foldable, NewEvent, StreamView
from registry.prices import state as prices
from registry.prices.commands import When, set_price
from registry.prices.events import price_stream
from registry.prices.place import Place, place_of
from registry.prices.state import PriceState
from registry.prices.terms import NewPrice

# After every position of a log.
_LATER: Final = 2**62


class Book:
    """The prices as they are, and as what is set here would make them."""

    def __init__(self, states: Iterable[PriceState]) -> None:
        self._states: dict[str, PriceState] = {}
        self._places: dict[Place, dict[str, PriceState]] = defaultdict(dict)
        self._position = _LATER
        for state in states:
            self._keep(state)

    def has(self, price_id: str) -> bool:
        """Whether there is such a price."""
        return price_id in self._states

    def set(self, price: NewPrice, when: When, now: datetime) -> Sequence[NewEvent]:
        """Set a price here; returns the events that the log would get. Raises what the decision raises."""
        state = self._states.get(price.price_id)
        rivals = self._places[place_of(price.model, price.provider, price.tags)]
        view = StreamView(now, 0 if state is None else state.version, state, (), tuple(rivals.values()))
        decided = set_price(price, when, view)
        for new in decided:
            self._position += 1
            self._keep(prices.evolve(self._states.get(price.price_id), self._recorded(price, new, now), new.event))
        return decided

    def _recorded(self, price: NewPrice, new: NewEvent, now: datetime) -> Foldable:
        encoded = codec.encode(new.event)
        return Foldable(
            position=self._position,
            stream=price_stream(price.price_id),
            version=1,
            type=encoded.type,
            schema_version=encoded.schema_version,
            recorded_us=to_us(now),
            effective_us=to_us(new.effective_at or cut_ms(now)),
            reason=None,
            payload=encoded.payload,
        )

    def _keep(self, state: PriceState) -> None:
        self._states[state.price_id] = state
        self._places[state.place][state.price_id] = state
