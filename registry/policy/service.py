"""From a request on the tag policy to the log; the policy that counts, and which keys one would find fault with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.connection import fetch
from registry.errors import FieldFault, FieldsRefused
from registry.lists.settling import settle
from registry.log import stream_state
from registry.log.event_log import Caller, EventLog, NewEvent, StreamView, Write, Written
from registry.policy import sql
from registry.policy.events import POLICY_STREAM, TagPolicySet
from registry.policy.rules import key_faults, policy_faults, tag_faults
from registry.policy.state import PolicyState, state_of
from registry.queries import Queries

# Judged at once, between which others are answered.
_PAGE: Final = 500
# Keys that a report lists; it counts all.
MAX_LISTED: Final = 1000


@dataclass(frozen=True, slots=True)
class PolicyAnswer:
    """The policy after a request or at a read, None where none was ever set, and the head of the log."""

    state: PolicyState | None
    position: int


@dataclass(frozen=True, slots=True)
class Breach:
    """What is against a policy in a key's tags, or in those of a scheduled change at a position."""

    fault: FieldFault
    scheduled_position: int | None = None


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """How many keys were looked at and how many break a policy, these by id up to MAX_LISTED, and the log's head."""

    checked: int
    breaking: int
    keys: Sequence[tuple[str, Sequence[Breach]]]
    position: int


class PolicyService:
    """The tag policy of a log. Every method raises Busy if the database can't answer now."""

    def __init__(self, log: EventLog, engine: AsyncEngine, queries: Queries) -> None:
        self._log = log
        self._engine = engine
        self._queries = queries

    async def set(self, policy: TagPolicySet, caller: Caller) -> PolicyAnswer:
        """Set the policy; one that says the same is not recorded. Raises FieldsRefused, VersionConflict."""
        _refuse_faults(policy)
        write = Write(POLICY_STREAM, partial(_decide, policy), caller)
        return _answer(await self._log.write(write))

    async def current(self) -> PolicyAnswer:
        """The policy that counts."""
        (row,) = await fetch(self._engine, sql.CURRENT, POLICY_STREAM)
        return PolicyAnswer(state_of(row), row["head"])

    async def report(self, policy: TagPolicySet) -> PolicyReport:
        """The keys that break a policy, revoked ones left out. Raises FieldsRefused where the policy is none."""
        _refuse_faults(policy)
        while await settle(self._engine):
            pass
        seen, checked, breaking, after = await self._queries.seen(), 0, 0, ""
        listed: list[tuple[str, Sequence[Breach]]] = []
        while rows := await fetch(self._engine, sql.KEYS, after, _PAGE):
            for row in rows:
                if breaches := [*_breaches(policy, row, seen.now)]:
                    breaking += 1
                    listed += [(row["public_id"], breaches)] if breaking <= MAX_LISTED else []
            checked, after = checked + len(rows), rows[-1]["public_id"]
        return PolicyReport(checked, breaking, listed, seen.position)


def _decide(policy: TagPolicySet, view: StreamView) -> Sequence[NewEvent]:
    state: PolicyState | None = view.state
    return [] if state is not None and state.policy == policy else [NewEvent(policy)]


def _breaches(policy: TagPolicySet, row: Any, now: Any) -> Iterator[Breach]:
    yield from map(Breach, key_faults(policy, json.loads(row["tags"])))
    if row["document"] is not None:
        for one in stream_state.load_key(row["stream"], row["document"]).pending(now):
            yield from (Breach(fault, one.position) for fault in tag_faults(policy, one.delta))


def _refuse_faults(policy: TagPolicySet) -> None:
    if faults := policy_faults(policy):
        raise FieldsRefused(*faults)


def _answer(written: Written) -> PolicyAnswer:
    return PolicyAnswer(written.state, written.position)
