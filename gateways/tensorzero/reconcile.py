"""Compares all keys with the gateway's table, slowly and continuously, and repairs what somebody else has changed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from gateways.tensorzero.checkpoint import SyncCheckpoint
from gateways.tensorzero.key_states import KeyStateReader
from gateways.tensorzero.key_table import GatewayTable
from gateways.tensorzero.setup import index_missing
from gateways.tensorzero.writer import Writer, Written

logger = logging.getLogger(__name__)

# How many rows per page are named in the log; all are counted.
NAMED: Final = 20
# Results are written when they change, and once a minute.
_WRITE_EVERY_S: Final = 60.0


class Reconciler:
    """The comparison of one sync. `position` is how far the sync has followed: later changes are not drift."""

    def __init__(
        self, states: KeyStateReader, table: GatewayTable, checkpoint: SyncCheckpoint, writer: Writer, position: int
    ) -> None:
        self._states = states
        self._table = table
        self._checkpoint = checkpoint
        self._writer = writer
        self._saved: tuple[int, bool] | None = None
        self._saved_s = 0.0
        self.position = position

    async def run(self, page: int, page_s: float) -> None:
        """Compare all keys again and again, `page` at a time, spending at least `page_s` on each page."""
        loop = asyncio.get_running_loop()
        while True:
            after, without_hash = "", 0
            while True:
                began = loop.time()
                await self._table.check()  # if appends also write the table, nothing else would notice a replaced one
                streams = await self._states.streams(after, page)
                without_hash += await self._compare(streams)
                if len(streams) < page:
                    await self._save(without_hash)
                await asyncio.sleep(max(0.0, page_s - (loop.time() - began)))
                if len(streams) < page:
                    break
                after = streams[-1]

    async def _compare(self, streams: Sequence[str]) -> int:
        """Compare some keys and repair differences; returns how many credentials have no hash and no row."""
        pairs = await self._states.rows(streams)
        differing = await self._table.differences([row for _, row in pairs])
        mendable = {one.public_id for one in differing if not one.is_left_out}
        if mendable:
            known = self.position
            wrong = dict.fromkeys(f"key-{key.public_id}" for key, row in pairs if row.public_id in mendable)
            written, locked = await self._writer.write_unlocked(list(wrong))
            if locked is not None:
                logger.warning("not every changed row could be restored: %s", locked)
            # A key that changed after the position is only not synced yet.
            await self._report([one for one in written if not one.change.is_left_out and one.key.position <= known])
        return sum(one.is_left_out for one in differing)

    async def _report(self, drift: Sequence[Written]) -> None:
        for one in drift[:NAMED]:
            what = "was removed" if one.change.is_new else f"was changed ({', '.join(one.change.columns)})"
            logger.warning("the gateway's row of %s %s by somebody else: it was restored", one.change.public_id, what)
        if len(drift) > NAMED:
            logger.warning("and %d more rows of the gateway's table of keys", len(drift) - NAMED)
        if drift:
            await self._checkpoint.count_drift(len(drift))

    async def _save(self, without_hash: int) -> None:
        """Record the results where `status` finds them."""
        missing = await self._table.is_large() and await index_missing(self._table.engine, self._table.schema)
        found, now_s = (without_hash, missing), asyncio.get_running_loop().time()
        if found != self._saved or now_s - self._saved_s > _WRITE_EVERY_S:
            if without_hash and (self._saved is None or self._saved[0] != without_hash):
                logger.warning("%d credentials have no hash here and are not in the gateway's table", without_hash)
            await self._checkpoint.compared(without_hash, index_missing=missing)
            self._saved, self._saved_s = found, now_s
