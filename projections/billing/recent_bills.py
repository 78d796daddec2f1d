"""What bills were made of lately: the next one like it needs only what the journal has got since.

A bill is a sum of entries, and corrections are entries too. So the groups of a bill at one position are those that it
had, and those of the batches that came after. One that asks for tags is a part of the bill by these tags: a portal that
asks for each of its customers has the groups of all of them made once. One by customer is the one by customer and day
with its days added up.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Final

from projections.billing.known.usage import KnownUsage, anchored_at
from projections.billing.limits import BillLimits
from projections.billing.made import Made, groups_of, made_of
from projections.billing.query import WORDS, BillQuery
from projections.billing.statement.asked import known_position
from projections.billing.statement.groups import Group
from projections.billing.statement.parts import Parts, by_columns
from projections.billing.statement.prepared import Prepared, prepare
from projections.billing.statement.scope import Scope
from projections.engine.client import ClickHouse
from projections.engine.templates import Names
from projections.flight import Flight, Remembered
from projections.ledger.presence import Presence
from projections.together import together
from projections.usage.journal.state import Journal, Pinned
from projections.usage.seen_until import is_dated_after
from registry.instant import to_ms

# Of one question, and of all: a group takes about a kilobyte.
_GROUPS: Final = 20_000
_ALL_GROUPS: Final = 100_000
_QUESTIONS: Final = 1_000
_OF_KEYS: Final = 200
# For how long a look at what is missing, and not collected, counts for the next bill; and how long it is remembered
# that a question has too many groups.
_LOOK_S: Final = 0.25
_TOO_LONG_S: Final = 600.0
_OF_MODELS: Final = frozenset({"model", "provider"})


class _Recent:
    """A question over all tags, and what its bill was made of. `applied` is the greatest position it was asked at."""

    def __init__(self, question: BillQuery) -> None:
        self.question = question
        self.limits = BillLimits()
        self.applied = 0
        self.made: Made | None = None
        self.made_at = 0  # the position that it knew
        self.is_ahead = False  # some usage is dated after now, and comes into what the bill says by time alone
        self.true_at = 0.0  # when it last was all that there was, by the monotonic clock
        self.parts = Parts(())
        self.too_long_until = 0.0

    def forget(self) -> None:
        """It is too long to be kept, as far as is known for a while."""
        self.made, self.parts, self.too_long_until = None, Parts(()), monotonic() + _TOO_LONG_S


class RecentBills:
    """What bills were made of lately. It belongs to one event loop."""

    def __init__(self, clickhouse: ClickHouse, names: Names) -> None:
        self._clickhouse = clickhouse
        self._scope = Scope(names)
        self._journal = Journal(clickhouse, names)
        self._recent: OrderedDict[BillQuery, tuple[_Recent, Flight[None]]] = OrderedDict()
        batches = [f"{names.journal}.{table}" for table in ("usage_batch_v1", "usage_attempt_v1")]
        self._pinned = Remembered(self._journal.pinned, lambda: clickhouse.written(*batches))
        self._look = Flight(self._looked)
        self._looked_at = -_LOOK_S
        self._uncollected = 0
        self._refreshing: dict[BillQuery, asyncio.Task[None]] = {}
        # Tags that keys have had: a log forgets none.
        self.tag_names: set[str] = set()

    async def made(self, query: BillQuery, applied_position: int, limits: BillLimits) -> Made | None:
        """What the bill is made of; None where that is too much to be kept. Raises as `compute_bill`."""
        question = self._kept(query)
        if question is None:
            return None
        recent, refresh = self._of(question)
        if recent.too_long_until > monotonic():
            return None
        recent.applied = max(recent.applied, applied_position)
        # All of a question's groups are needed: one that is cut off at so many lines is not kept.
        recent.limits = replace(limits, lines=max(limits.lines, _GROUPS))
        await refresh()
        made = self._part(recent, query)
        self._forget()
        return made

    def at_hand(
        self, query: BillQuery, max_age_s: float, applied: Callable[[], Awaitable[int]]
    ) -> tuple[Made, float] | None:
        """What the bill was made of at most so long ago, and its age in seconds; None where that is not there.

        Nothing is waited for. What is older than half of that is made again meanwhile, by the position that `applied`
        gives.
        """
        question = self._kept(query)
        if question is None or question not in self._recent:
            return None
        recent, refresh = self._recent[question]
        age = monotonic() - recent.true_at
        if recent.made is None or age > max_age_s:
            return None
        self._recent.move_to_end(question)
        if age > max_age_s / 2 and question not in self._refreshing:
            task = self._refreshing[question] = asyncio.create_task(self._catch_up(recent, refresh, applied))
            task.add_done_callback(partial(self._refreshed, question))
        made = self._part(recent, query)
        return None if made is None else (made, age)

    async def _catch_up(self, recent: _Recent, refresh: Flight[None], applied: Callable[[], Awaitable[int]]) -> None:
        recent.applied = max(recent.applied, await applied())
        await refresh()
        self._forget()

    def _refreshed(self, question: BillQuery, task: asyncio.Task[None]) -> None:
        del self._refreshing[question]
        if not task.cancelled():
            task.exception()  # those who ask when what is at hand is too old meet it themselves

    def _part(self, recent: _Recent, query: BillQuery) -> Made | None:
        """What the bill is made of, as a part of one by more names."""
        if recent.made is None:
            return None
        names = recent.question.group_by
        columns = [names.index(name) for name in query.group_by]
        if query.tags:
            of_tags, values = [names.index(name) for name, _ in query.tags], tuple(value for _, value in query.tags)
            groups = by_columns(recent.parts.having(of_tags, values), columns)
        else:
            groups = recent.parts.groups if query.group_by == names else recent.parts.by_columns(columns)
        return replace(recent.made, groups=groups)

    def _kept(self, query: BillQuery) -> BillQuery | None:
        """The question whose groups the bill is made of: where its own are not there, one by more names may be."""
        question = _question(query)
        if question is None or ((own := self._recent.get(question)) and own[0].made):
            return question
        finer = (one for one, (recent, _) in reversed(self._recent.items()) if recent.made and _is_finer(one, question))
        return next(finer, question)

    def _of(self, question: BillQuery) -> tuple[_Recent, Flight[None]]:
        if question not in self._recent:
            recent = _Recent(question)
            self._recent[question] = recent, Flight(partial(self._refresh, recent))
        self._recent.move_to_end(question)
        return self._recent[question]

    def _forget(self) -> None:
        """Keep no more than there is room for; of one question, too, and of keys, which are many and soon made."""
        for question in [one for one in self._recent if one.key is not None][:-_OF_KEYS]:
            del self._recent[question]
        for recent, _ in self._recent.values():
            if len(recent.parts) > _GROUPS:
                recent.forget()
        while len(self._recent) > _QUESTIONS or sum(len(one.parts) for one, _ in self._recent.values()) > _ALL_GROUPS:
            self._recent.popitem(last=False)

    async def _looked(self) -> None:
        presence = Presence(self._clickhouse, self._scope.names)
        _, self._uncollected = await together(presence.check(), self._journal.uncollected())
        self._looked_at = monotonic()

    async def _look_lately(self) -> None:
        if monotonic() - self._looked_at >= _LOOK_S:
            await self._look()

    async def _refresh(self, recent: _Recent) -> None:
        began, applied, limits, question = monotonic(), recent.applied, recent.limits, recent.question
        position = known_position(question, applied)
        ready = await self._begun(recent, position)
        began = min(began, self._looked_at)
        holds = await self._holds(recent, position)
        uncollected = self._uncollected  # before the batches that count: no row is left out of both
        pinned = await self._pinned()
        if holds and recent.made and recent.made.known.pinned == pinned and recent.made.applied == applied:
            known = replace(recent.made.known, uncollected=uncollected)
            recent.made, recent.true_at = replace(recent.made, known=known), began
            return
        before = recent.made if holds else None
        after_batch = before.known.pinned.batch if before is not None and _grows(before.known.pinned, pinned) else 0
        known = KnownUsage(pinned, datetime.now(UTC), uncollected, None)
        anchored, added = await together(
            anchored_at(self._journal, question, applied, pinned),
            self._added(question, position, limits, known, ready, after_batch),
        )
        if len({tuple(group.by) for group in added if group.listed}) > limits.lines:
            recent.forget()
            return
        parts = recent.parts if after_batch else Parts(())
        known, groups = replace(known, anchored_at=anchored), [*parts.groups, *added]
        made = await made_of(self._clickhouse, self._scope, question, applied, groups, limits, known)
        is_ahead = made.after_now.rows > 0
        if question.is_part:  # which does not say
            is_ahead = await is_dated_after(self._clickhouse, self._scope.names, to_ms(known.now))
        # From here on nothing waits: those who ask meanwhile have all of the one or all of the other.
        parts.grow(added)
        recent.parts, recent.made, recent.is_ahead = parts, replace(made, groups=()), is_ahead
        recent.made_at, recent.true_at = position, began

    async def _begun(self, recent: _Recent, position: int) -> Prepared | None:
        """Look at what is missing, and not collected; a question that is new is made ready meanwhile."""
        if recent.made is not None:
            await self._look_lately()
            return None
        _, ready = await together(self._look_lately(), self._prepared(recent.question, position))
        return ready

    async def _prepared(self, question: BillQuery, position: int) -> Prepared:
        return await prepare(self._clickhouse, self._scope, question, position)

    async def _added(
        self,
        question: BillQuery,
        position: int,
        limits: BillLimits,
        known: KnownUsage,
        ready: Prepared | None,
        after_batch: int,
    ) -> list[Group]:
        """The groups of all batches, or of those after one."""
        if after_batch and after_batch == known.pinned.batch:
            return []
        ready = ready or await self._prepared(question, position)
        return await groups_of(self._clickhouse, self._scope, question, limits, known, ready, after_batch)

    async def _holds(self, recent: _Recent, position: int) -> bool:
        """Whether what the bill was made of has the tags, lives and prices of a position.

        Not where usage is dated after now: it comes into what a bill says when its instant has come.
        """
        if recent.made is None or recent.is_ahead or recent.made_at > position:
            return False
        if recent.made_at == position:
            return True
        between = {"after": recent.made_at, "position": position}
        ((changes,),) = await self._clickhouse.query(self._scope.sql("bill/changes_between"), between)
        return not changes


def _question(query: BillQuery) -> BillQuery | None:
    """The question over all tags that this one is a part of; None where it asks for a part by more than tags."""
    if query.within or any(name in WORDS for name, _ in query.tags):
        return None
    return replace(query, group_by=tuple(dict.fromkeys([*query.group_by, *(name for name, _ in query.tags)])), tags=())


def _is_finer(one: BillQuery, other: BillQuery) -> bool:
    """Whether the groups of a question add up to those of another. An inference is in a group of each of its models."""
    if one.key != other.key:  # most of them
        return False
    more, less = set(one.group_by) - set(other.group_by), set(other.group_by) - set(one.group_by)
    if less or not more.isdisjoint(_OF_MODELS):
        return False
    return replace(one, group_by=()) == replace(other, group_by=())


def _grows(before: Pinned, now: Pinned) -> bool:
    """Whether entries only came to what counted before."""
    given_up = tuple(batch for batch in now.given_up if batch <= before.batch)
    return 0 < before.batch <= now.batch and given_up == before.given_up
