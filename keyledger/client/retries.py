"""When a call that failed is sent again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_AGAIN: Final = frozenset({429, 502, 503, 504})
_RUNNING: Final = 409


@dataclass(frozen=True, slots=True)
class Retries:
    """How often, and how long. Pauses double from the first to the longest, each drawn between half and all of it.

    `patience_s` is for all tries together: a pause that would end after it is not begun.
    """

    tries: int = 8
    first_pause_s: float = 0.1
    longest_pause_s: float = 10.0
    patience_s: float = 60.0

    @classmethod
    def never(cls) -> Retries:
        """Each call is sent once."""
        return cls(tries=1)

    def pause_s(self, tried: int, waited_s: float, retry_after_s: float | None, drawn: float) -> float | None:
        """The pause before the next try, after so many and so long; None to give up. `drawn` is from 0 to 1."""
        if tried >= self.tries:
            return None
        grown = min(self.longest_pause_s, self.first_pause_s * 2 ** (tried - 1)) * (0.5 + drawn / 2)
        pause = max(grown, retry_after_s or 0.0)
        return pause if waited_s + pause <= self.patience_s else None


def may_pass(status: int, retry_after_s: float | None, *, changes: bool) -> bool:
    """Whether the same request may be answered otherwise soon.

    A 409 with Retry-After is that of a first request which still runs. 502 and 504 are a proxy's, which does not know
    whether a change was made: the caller asks only where a repeat is safe.
    """
    if status == _RUNNING:
        return changes and retry_after_s is not None
    return status in _AGAIN
