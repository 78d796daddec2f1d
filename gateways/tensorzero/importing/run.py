"""One import: the gateway's keys, page by page, into the log, each key in an event of its own.

It may be killed at any moment and run again: what is in the log already is left as it is. No more
than a page is held, however many keys there are.
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
# How often a write is tried again, once a second: an overloaded or restarting database is waited for.
_ATTEMPTS: Final = 30
_NOTHING: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for. Without `mapping` every key is imported without tags; without `apply` none is."""

    caller: Caller
    mapping: TagMapping | None = None
    apply: bool = False
    only_mapped: bool = False


@dataclass(slots=True)
class Counts:
    """What became of the gateway's keys: each is in one of new, known, left_out and faulty.

    `without_tags` are those of the new ones that nobody mapped; `imported` those that this run appended.
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
    """A run, which goes through the table once."""

    source: KeyTableReader
    keys: KeyService
    queries: Queries
    order: Order
    counts: Counts = field(default_factory=Counts)
    _missing: dict[str, int] = field(default_factory=dict)

    async def run(self) -> AsyncGenerator[Part, None]:
        """Progress, and an item for each thing that is wrong; the counts are complete afterwards."""
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
        """Read a page, and append what is new of it: where that ends, and what is wrong. None: there are no more."""
        async with self._page(after) as page:
            if not page.keys:
                return None
            found, wanted, now = await self._sort(page.keys)
            rewritten = [one for one in wanted if is_end_moved(one[0], now)]
            found += await self._append([one for one in wanted if not is_end_moved(one[0], now)])
        # These the append, or the sync, writes in the gateway's table, which waits for whoever holds them: us.
        found += await self._append(rewritten)
        self.counts.keys += len(page.keys)
        return page.last, found

    @asynccontextmanager
    async def _page(self, after: int) -> AsyncIterator[ImportPage]:
        """Held where it is to be appended: else a key that is disabled meanwhile would come back."""
        if self.order.apply:
            async with self.source.held_page(after) as page:
                yield page
        else:
            yield await self.source.page(after)

    async def _sort(self, page: Sequence[GatewayKey]) -> tuple[list[dict[str, Any]], list[_Wanted], datetime]:
        """What is wrong in a page, what is to be imported of it, and the log's clock."""
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
        """The tags of a key that is to be imported, None for one that is to be left out."""
        entry = None if self.order.mapping is None else self.order.mapping.entries.get(public_id)
        if entry is not None:
            return entry.tags
        if self.order.only_mapped or (self.order.mapping is not None and self.order.mapping.has_lost_rows):
            return None
        self.counts.without_tags += 1
        return _NOTHING

    async def _append(self, wanted: Sequence[_Wanted]) -> list[dict[str, Any]]:
        """Append the keys of a page together; what the log refuses is told."""
        if not self.order.apply:
            return []
        outcomes = await asyncio.gather(*(self._append_one(row, tags) for row, tags in wanted))
        return [item for items in outcomes for item in items]

    async def _append_one(self, row: GatewayKey, tags: Mapping[str, str]) -> list[dict[str, Any]]:
        asked = command(row, tags)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                is_new = await self.keys.take_over(asked, row.hash, self.order.caller)
                self.counts.imported += is_new  # in a line of its own: one with the await would lose others' counts
                break
            except FieldsRefused as refused:
                self.counts.faulty += 1
                self.counts.new -= 1
                return [_item("key", row.public_id, one.field, one.message) for one in refused.faults]
            except Busy as busy:
                # Whatever became of it: what is in the log by then is not appended again.
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
    """What is wrong in the mapping, as items."""
    for fault in mapping.faults:
        yield _item("mapping", fault.public_id, fault.field, fault.detail, fault.line)


def result(counts: Counts, mapping: TagMapping | None, position: int, *, applied: bool) -> dict[str, Any]:
    """The end of the answer."""
    wrong = 0 if mapping is None else len(mapping.faults)
    return {"applied": applied, **asdict(counts), "mapping_faults": wrong, "position": position}


def _wrong(row: GatewayKey, now: datetime) -> list[dict[str, Any]]:
    return [_item("key", row.public_id, fault.field, fault.message) for fault in faults(row, now)]


def _copied(row: GatewayKey, taken: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """A secret under a second id: a revoked key would live on by it."""
    owner = taken.get(row.hash, row.public_id)
    if owner != row.public_id:  # else somebody has imported it since
        yield _item("key", row.public_id, "hash", f"is that of the secret of {owner}: who copied it?")


def _item(of: str, public_id: str | None, name: str, detail: str, line: int | None = None) -> dict[str, Any]:
    """`of`: whether the `key` in the gateway's table or the `mapping` is wrong."""
    return {"of": of, "line": line, "public_id": public_id, "field": name, "detail": detail}
