"""Rewrites rows of a gateway's key table that `verify` found wrong, in the same way as the sync writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from audit.report import Finding
from audit.sources import AuditSources
from audit.verify.gateway import WHERE, fits
from audit.verify.state import read_keys
from gateways.tensorzero.key_states import KeyStateReader
from gateways.tensorzero.rows import GatewayRow
from gateways.tensorzero.writer import Writer
from registry.keys.state import KeyState

_CHUNK: Final = 500


class _CheckedReader(KeyStateReader):
    """The keys as the sync reads them, but without hashes that don't match the events, so that those are not copied."""

    def __init__(self, books: AuditSources) -> None:
        super().__init__(books.engine)
        self._books = books

    async def rows(self, streams: Sequence[str]) -> list[tuple[KeyState, GatewayRow]]:
        """See KeyStateReader."""
        pairs = await super().rows(streams)
        # Commitments never change, so reading them after the rows is enough.
        keys = {key.stream: key for key in await read_keys(self._books.engine, streams)}
        return [
            (state, row if fits(keys[stream], row.public_id, row.hash) else replace(row, hash=None))
            for state, row in pairs
            if (stream := f"key-{state.public_id}") in keys
        ]


def beyond_repair(findings: Iterable[Finding]) -> list[Finding]:
    """Rows of credentials that the log does not know, which the registry had written there.

    Once current state is repaired nothing refers to them any more, so they are reported before a repair.
    """
    return [one for one in findings if one.where == WHERE and one.kind == "extra"]


async def repair_gateway(books: AuditSources, findings: Iterable[Finding]) -> int:
    """Rewrite the rows of the keys that differ; returns how many rows. Safe to repeat; changes no other row.

    Writes the current state: repair that first. Does not write a hash that does not match its event; an existing one
    stays. Raises Busy, GatewayError.
    """
    wrong = (one for one in findings if one.where == WHERE and one.kind in {"missing", "changed"})
    streams = sorted({one.stream for one in wrong if one.stream is not None})
    if books.gateway is None or not streams:
        return 0
    source = _CheckedReader(books)
    writer, count = Writer(source, books.gateway.table), 0
    try:
        for first in range(0, len(streams), _CHUNK):
            written = await writer.write(streams[first : first + _CHUNK])
            count += sum(not one.change.is_left_out for one in written)
    finally:
        await source.close()
    return count
