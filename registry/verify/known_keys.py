"""The keys that were asked about lately, kept in memory as the log's tail says they are.

What this process commits is known before its answer is sent; what others commit, when the tail has read it: they
notify, and it looks ten times a second all the same. While the tail can't read the log, nothing in memory counts.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.background import running
from registry.db.connection import fetch
from registry.errors import Busy
from registry.keys import secrets as secret
from registry.keys.state import KeyState
from registry.log import stream_state
from registry.log.event_log import EventLog
from registry.verify import sql
from registry.verify.verdict import Verdict, code_of

logger = logging.getLogger("keyledger.registry")

MOST: Final = 100_000
_READ: Final = 1000
_LOOK_S: Final = 0.1
# For how long what the tail last read counts: then every key is looked up in the database.
_TRUSTED_S: Final = 0.25
_STREAM: Final = "key-"
# Look-ups in the database at once: who shows many keys that don't exist leaves connections to the others.
_LOOK_UPS: Final = 8


@dataclass(frozen=True, slots=True)
class _Known:
    """A key, and the hashes of its credentials' secrets."""

    key: KeyState
    hashes: Mapping[str, str | None] = field(repr=False)


class KnownKeys:
    """Answers whether keys work. It belongs to one event loop; `following` feeds it."""

    def __init__(self, log: EventLog, engine: AsyncEngine, most: int = MOST) -> None:
        self._log = log
        self._engine = engine
        self._most = most
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._key_of: dict[str, str] = {}
        self._position = 0
        self._read_at = -_TRUSTED_S
        # The positions of what was changed lately, and the one before which nothing is remembered.
        self._changed: OrderedDict[str, int] = OrderedDict()
        self._floor = 0
        self._look_ups = asyncio.Semaphore(_LOOK_UPS)
        self._follows = False  # without the tail nothing is kept: most processes verify no keys
        log.observe(self.learn)

    async def verify(self, text: str) -> Verdict:
        """What is to be said of a key's text. Raises Busy where it is not in memory, and the database is away."""
        parts = secret.split_key(text)
        if parts is None:
            return Verdict("malformed", self._position)
        credential_id, given_hash = parts
        known, position = self._in_memory(credential_id), self._position
        if known is None:
            known, position = await self._looked_up(credential_id)
        else:  # what this process committed is known before the tail has read it
            position = max(position, known.key.position)
        # Compared also where there is none, so that the time says nothing.
        kept_hash = None if known is None else known.hashes.get(credential_id)
        same = secret.same_hash(given_hash, kept_hash or "0" * 64)
        credential = None if known is None else known.key.credential(credential_id)
        if known is None or credential is None or kept_hash is None or not same:
            return Verdict("not_found", position)
        key, now = known.key, datetime.now(UTC)
        return Verdict(code_of(key, credential, now), position, key, credential, key.tags(now))

    def learn(self, states: Mapping[str, Any]) -> None:
        """What this process has just committed: states by their streams."""
        if not self._follows:
            return
        for state in states.values():
            if isinstance(state, KeyState):
                self._note(state.public_id, state.position)
                known = self._known.get(state.public_id)
                if known is not None and known.key.position < state.position:
                    self._known[state.public_id] = _Known(state, known.hashes)

    async def follow(self) -> None:
        """Read the log's tail until cancelled. Raises Busy, ChainBroken and the like: what is in memory is let go."""
        self._follows = True
        try:
            await self._follow()
        finally:
            self._follows, self._read_at = False, -_TRUSTED_S

    async def _follow(self) -> None:
        head = (await self._log.head()).position
        # From here to the first look nothing waits: what is looked up meanwhile is at or after the head, or not kept.
        self._known.clear()
        self._key_of.clear()
        self._position = self._floor = head
        while True:
            events = await self._log.read(self._position, _READ)
            for event in events:
                if event.stream.startswith(_STREAM):
                    self._passed(event.stream.removeprefix(_STREAM), event.position)
            if events:
                self._position = events[-1].position
            if len(events) < _READ:
                self._read_at = monotonic()
                await self._log.wait_beyond(self._position, _LOOK_S)

    def _in_memory(self, credential_id: str) -> _Known | None:
        if monotonic() - self._read_at > _TRUSTED_S:
            return None
        public_id = self._key_of.get(credential_id)
        if public_id is None or (known := self._known.get(public_id)) is None:
            return None
        self._known.move_to_end(public_id)
        return known

    async def _looked_up(self, credential_id: str) -> tuple[_Known | None, int]:
        async with self._look_ups:
            (row,) = await fetch(self._engine, sql.KEY_OF_CREDENTIAL, credential_id)
        if row["document"] is None:
            return None, row["head"]
        key = stream_state.load_key(row["stream"], row["document"])
        known = _Known(key, json.loads(row["hashes"]))
        if self._follows and row["head"] >= self._floor and self._changed.get(key.public_id, 0) <= row["head"]:
            self._keep(known)
        return known, row["head"]

    def _keep(self, known: _Known) -> None:
        self._known[known.key.public_id] = known
        for credential_id in known.hashes:
            self._key_of[credential_id] = known.key.public_id
        while len(self._known) > self._most:
            _, dropped = self._known.popitem(last=False)
            for credential_id in dropped.hashes:
                self._key_of.pop(credential_id, None)

    def _passed(self, public_id: str, position: int) -> None:
        """The tail has an event of a key: what is known of it from before does not count any more."""
        self._note(public_id, position)
        known = self._known.get(public_id)
        if known is not None and known.key.position < position:
            del self._known[public_id]

    def _note(self, public_id: str, position: int) -> None:
        self._changed[public_id] = max(position, self._changed.get(public_id, 0))
        self._changed.move_to_end(public_id)
        while len(self._changed) > self._most:
            _, oldest = self._changed.popitem(last=False)
            self._floor = max(self._floor, oldest)


@asynccontextmanager
async def following(known: KnownKeys) -> AsyncIterator[None]:
    """Feed it until the block ends. While the database is away it is tried again every second."""
    async with running(_follow(known)):
        yield


async def _follow(known: KnownKeys) -> None:
    while True:
        try:
            await known.follow()
        except Busy as error:
            logger.warning("keys are verified by the database alone: the log can't be read now: %s", error)
        except Exception as error:  # noqa: BLE001 - without it, every key is looked up in the database
            logger.warning("keys are verified by the database alone: the log can't be read (%s)", type(error).__name__)
        await asyncio.sleep(1)
