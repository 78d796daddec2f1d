"""Writes keys in their current state, read under the writer's lock, so that older state never replaces newer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateways.errors import GatewayRowLocked
from gateways.tensorzero.key_states import KeyStateReader
from gateways.tensorzero.key_table import GatewayTable, RowChange
from registry.keys.state import KeyState


@dataclass(frozen=True, slots=True)
class Written:
    """A row that differed and is now correct (unless it was left out), and the key that it belongs to."""

    key: KeyState
    change: RowChange


class Writer:
    """Writes to one gateway's table. Raises Busy, GatewayUnavailable, GatewayRefused: then nothing was written."""

    def __init__(self, source: KeyStateReader, table: GatewayTable) -> None:
        self._source = source
        self._table = table

    async def write(self, streams: Sequence[str]) -> list[Written]:
        """Bring the rows of some keys to their current state; returns those that differed.

        If somebody else has locked one of them, raises GatewayRowLocked after writing all the others.
        """
        written, locked = await self.write_unlocked(streams)
        if locked is not None:
            raise locked
        return written

    async def write_unlocked(self, streams: Sequence[str]) -> tuple[list[Written], GatewayRowLocked | None]:
        """Like `write`, but returns the error for locked rows, if any, instead of raising it."""
        try:
            return await self._together(streams), None
        except GatewayRowLocked as error:
            if len(streams) <= 1:
                return [], error
        # One by one: a lock on one key's row must not keep another key working.
        written: list[Written] = []
        locked: GatewayRowLocked | None = None
        for stream in streams:
            more, fault = await self.write_unlocked([stream])
            written += more
            locked = locked or fault
        return written, locked

    async def _together(self, streams: Sequence[str]) -> list[Written]:
        async with self._table.writing() as upsert:
            pairs = await self._source.rows(streams)
            changes = await upsert([row for _, row in pairs])
        keys = {row.public_id: key for key, row in pairs}
        return [Written(keys[one.public_id], one) for one in changes]
