"""The way out for a log whose last event is dated after the clock: an operator decides to go on, in the log."""

from __future__ import annotations

from datetime import timedelta

from registry.errors import Conflict
from registry.instant import cut_ms
from registry.keys.events import CLOCK_STREAM, ClockDivergenceAccepted
from registry.log.event_log import Caller, EventLog, NewEvent, Write, Written
from registry.queries import Queries


class ClockService:
    """The command on the log's clock. `back` is how far the clock may be behind the last event without a decision."""

    def __init__(self, log: EventLog, queries: Queries, back: timedelta) -> None:
        self._log = log
        self._queries = queries
        self._back = back

    async def accept_divergence(self, caller: Caller) -> Written:
        """Record that events go on right after the last one, by the clock of now.

        Raises Conflict where the clock is not behind, and Busy.
        """
        head, seen = await self._log.head(), await self._queries.seen()
        last = head.recorded_at
        if last is None or last - seen.now <= self._back:
            raise Conflict("the last event is not dated after the clock: there is nothing to accept")
        event = ClockDivergenceAccepted(cut_ms(last), cut_ms(seen.now))
        write = Write(stream=CLOCK_STREAM, decide=lambda _view: [NewEvent(event)], caller=caller, stops=True)
        return await self._log.write(write)
