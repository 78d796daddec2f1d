"""What this process knows of the log without asking: all that it wrote, while its last append is the log's last.

Nothing is believed: the statement that writes a batch decided on it compares the head under the lock.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final

from registry.log.append.batch import Batch
from registry.log.event_log import Head

_MAX_STREAMS: Final = 1_024
_MAX_PATIENCE: Final = 64


class KnownHead:
    """The head that this process's last append left, and the streams that it has seen since another wrote."""

    def __init__(self, most: int = _MAX_STREAMS) -> None:
        self.head: Head | None = None
        self.rebuilds = 0
        self._most = most
        self._streams: OrderedDict[str, tuple[int, Any]] = OrderedDict()

    def views(self, streams: Iterable[str], new: frozenset[str]) -> tuple[dict[str, int], dict[str, Any]] | None:
        """Versions and states of streams, where all are known. Those of `new` ids have neither."""
        versions: dict[str, int] = {}
        states: dict[str, Any] = {}
        for stream in streams:
            known = self._streams.get(stream) or ((0, None) if stream in new else None)
            if known is None:
                return None
            versions[stream], states[stream] = known
        return versions, states

    def became(self, base: Head, batch: Batch) -> None:
        """The log is as the batch left it, which was decided on `base`."""
        if self.head is None or self.head.hash != base.hash or self.rebuilds != batch.rebuilds:
            self._streams.clear()
        self.rebuilds = batch.rebuilds
        self.head = batch.head
        for stream, version in batch.versions.items():
            self._streams[stream] = version, batch.states.get(stream)
            self._streams.move_to_end(stream)
        while len(self._streams) > self._most:
            self._streams.popitem(last=False)

    def forget(self) -> None:
        """The log is not as it was thought to be."""
        self.head = None
        self._streams.clear()


class Patience:
    """How many batches to wait before something is tried again: twice as many after each failure."""

    def __init__(self) -> None:
        self._waits = 0
        self._left = 0

    def is_over(self) -> bool:
        """Whether to try; counts a batch."""
        self._left = max(0, self._left - 1)
        return not self._left

    def tried(self, *, well: bool) -> None:
        """How it went."""
        self._waits = 0 if well else min(_MAX_PATIENCE, 2 * self._waits or 2)
        self._left = self._waits + 1
