"""One import: appends the gateway's keys to the log page by page, each key in its own event.

It can be killed at any moment and run again: what is already in the log does not change. It holds no more than a page
in memory, however many keys there are.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from gateways.tensorzero.importing.gateway_key import GatewayKey, command, faults, is_end_moved
from gateways.tensorzero.importing.key_table_reader import FIRST, ImportPage, KeyTableReader
from gateways.tensorzero.importing.mapping import TagMapping
from registry.errors import Busy, FieldsRefused
from registry.log.event_log import Caller
from registry.progress import Progress
from registry.queries import Queries
from registry.service import KeyService

Part = Progress | dict[str, Any]
# How often a write is retried, once a second, while an overloaded or restarting database recovers.
_ATTEMPTS: Final = 30
_NOTHING: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Order:
    """The options of a run. Without `mapping` every key is imported without tags; without `apply` none is imported."""

    caller: Caller
    mapping: TagMapping | None = None
    apply: bool = False
    only_mapped: bool = False


@dataclass(slots=True)
class Counts:
    """What happened to the gateway's keys: each counts in exactly one of new, known, left_out and faulty.

    `without_tags` are the new ones that the mapping does not contain; `imported` are those that this run appended.
    """

    keys: int = 0
    new: int = 0
    known: int = 0
    left_out: int = 0
    faulty: int = 0
    without_tags: int = 0
    imported: int = 0
    not_in_table: int = 0


@dataclass(slots=True)
class Import:
    """One run, which reads the table once."""

    source: KeyTableReader
    keys: KeyService
    queries: Queries
    order: Order
    counts: Counts = field(default_factory=Counts)
    _missing: dict[str, int] = field(default_factory=dict)

    async def run(self) -> AsyncGenerator[Part, None]:
        """Yield progress and an item for each fault; the counts are complete afterwards."""
        if self.order.mapping is not None:
            self._missing = {id_: one.line for id_, one in self.order.mapping.entries.items() if one.tags is not None}
        total, last = await self.source.count(), FIRST
        while (found := await self._take(last)) is not None:
            last, items = found
            for item in items:
                yield item
            yield Progress("keys", self.counts.keys, max(total, self.counts.keys))
        for item in self._not_in_table():
            yield item

    async def _take(self, after: int) -> tuple[int, list[dict[str, Any]]] | None:
        """Read a page and append its new keys; returns the last row id and the faults, or None if no keys are left."""
        async with self._page(after) as page:
            if not page.keys:
                return None
            found, wanted, now = await self._sort(page.keys)
            rewritten = [one for one in wanted if is_end_moved(one[0], now)]
            found += await self._append([one for one in wanted if not is_end_moved(one[0], now)])
        # The append, or the sync, rewrites these rows in the gateway's table, and would wait for the lock that we held.
        found += await self._append(rewritten)
        self.counts.keys += len(page.keys)
        return page.last, found

    @asynccontextmanager
    async def _page(self, after: int) -> AsyncIterator[ImportPage]:
        """The page, locked if it is to be appended: otherwise a key disabled meanwhile would become active again."""
        if self.order.apply:
            async with self.source.held_page(after) as page:
                yield page
        else:
            yield await self.source.page(after)

    async def _sort(self, page: Sequence[GatewayKey]) -> tuple[list[dict[str, Any]], list[_Wanted], datetime]:
        """The faults in a page, what to import from it, and the log's clock."""
        known, now = await self.queries.known([row.public_id for row in page])
        strangers = [row.hash for row in page if row.public_id not in known]
        taken = await self.queries.secrets_of(strangers) if strangers else {}
        found: list[dict[str, Any]] = []
        wanted: list[_Wanted] = []
        for row in page:
            self._missing.pop(row.public_id, None)
            if row.public_id in known:
                self.counts.known += 1
            elif wrong := [*_wrong(row, now), *_copied(row, taken)]:
                self.counts.faulty += 1
                found += wrong
            elif (tags := self._tags(row.public_id)) is None:
                self.counts.left_out += 1
            else:
                self.counts.new += 1
                wanted.append((row, tags))
                taken[row.hash] = row.public_id
        return found, wanted, now

    def _tags(self, public_id: str) -> Mapping[str, str] | None:
        """The tags of a key to import, or None to leave it out."""
        entry = None if self.order.mapping is None else self.order.mapping.entries.get(public_id)
        if entry is not None:
            return entry.tags
        if self.order.only_mapped or (self.order.mapping is not None and self.order.mapping.has_lost_rows):
            return None
        self.counts.without_tags += 1
        return _NOTHING

    async def _append(self, wanted: Sequence[_Wanted]) -> list[dict[str, Any]]:
        """Append the keys of a page together; returns what the log refuses."""
        if not self.order.apply:
            return []
        outcomes = await asyncio.gather(*(self._append_one(row, tags) for row, tags in wanted))
        return [item for items in outcomes for item in items]

    async def _append_one(self, row: GatewayKey, tags: Mapping[str, str]) -> list[dict[str, Any]]:
        asked = command(row, tags)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                is_new = await self.keys.take_over(asked, row.hash, self.order.caller)
                self.counts.imported += is_new  # on a line of its own: one with the await would lose others' counts
                break
            except FieldsRefused as refused:
                self.counts.faulty += 1
                self.counts.new -= 1
                return [_item("key", row.public_id, one.field, one.message) for one in refused.faults]
            except Busy as busy:
                # Whatever happened to it, a key already in the log is not appended again.
                if attempt == _ATTEMPTS:
                    raise
                await asyncio.sleep(busy.retry_after_s)
        return []

    def _not_in_table(self) -> Iterator[dict[str, Any]]:
        self.counts.not_in_table = len(self._missing)
        for public_id, line in self._missing.items():
            yield _item("mapping", public_id, "public_id", "is not in the gateway's table", line)


_Wanted = tuple[GatewayKey, Mapping[str, str]]


def mapping_items(mapping: TagMapping) -> Iterator[dict[str, Any]]:
    """The faults in the mapping, as items."""
    for fault in mapping.faults:
        yield _item("mapping", fault.public_id, fault.field, fault.detail, fault.line)


def result(counts: Counts, mapping: TagMapping | None, position: int, *, applied: bool) -> dict[str, Any]:
    """The final part of the response."""
    wrong = 0 if mapping is None else len(mapping.faults)
    return {"applied": applied, **asdict(counts), "mapping_faults": wrong, "position": position}


def _wrong(row: GatewayKey, now: datetime) -> list[dict[str, Any]]:
    return [_item("key", row.public_id, fault.field, fault.message) for fault in faults(row, now)]


def _copied(row: GatewayKey, taken: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """A secret under a second id: through it, a revoked key would stay usable."""
    owner = taken.get(row.hash, row.public_id)
    if owner != row.public_id:  # otherwise somebody has imported it since
        yield _item("key", row.public_id, "hash", f"is that of the secret of {owner}: who copied it?")


def _item(of: str, public_id: str | None, name: str, detail: str, line: int | None = None) -> dict[str, Any]:
    """`of` says what is wrong: the `key` in the gateway's table or the `mapping`."""
    return {"of": of, "line": line, "public_id": public_id, "field": name, "detail": detail}
