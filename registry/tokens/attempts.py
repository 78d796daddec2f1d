"""Limits how often one address may try admin tokens that are none. In memory: an attempt writes nothing anywhere.

A token that was good here lately goes on to work from such an address: behind a proxy, all callers have one.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from registry.errors import TooManyAttempts

_WINDOW_S: Final = 60.0
_REMEMBERED: Final = 10_000


@dataclass(slots=True)
class _Window:
    since: float
    attempts: int = 0


class Attempts:
    """The bad tokens of each address within a minute, `most` of them, and the tokens that were good."""

    def __init__(self, most: int, clock: Callable[[], float] = monotonic) -> None:
        self._most = most
        self._clock = clock
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        self._good: OrderedDict[str, None] = OrderedDict()

    def check(self, address: str, token_hash: str) -> None:
        """Raise TooManyAttempts for a token that is not known to be good, from an address that tried too many."""
        window = self._windows.get(address)
        if window is None or window.attempts < self._most or token_hash in self._good:
            return
        left = window.since + _WINDOW_S - self._clock()
        if left > 0:
            raise TooManyAttempts(math.ceil(left))

    def good(self, token_hash: str) -> None:
        """A token was good."""
        self._good[token_hash] = None
        self._good.move_to_end(token_hash)
        if len(self._good) > _REMEMBERED:
            self._good.popitem(last=False)

    def bad(self, address: str, token_hash: str) -> None:
        """A token was none, or is none any more."""
        self._good.pop(token_hash, None)
        window, now = self._windows.get(address), self._clock()
        if window is None or now - window.since >= _WINDOW_S:
            window = self._windows[address] = _Window(now)
        window.attempts += 1
        self._windows.move_to_end(address)
        if len(self._windows) > _REMEMBERED:
            self._windows.popitem(last=False)
