"""When a delivery that failed is tried again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# The longest pause, and the longest that a receiver may ask for: one that is back gets its events within so long.
LONGEST_S: Final = 3 * 3600.0
_GREATEST_POWER: Final = 30
# A pause is drawn from so much around its length, so that those that failed together don't come together again.
_JITTER: Final = 0.2


@dataclass(frozen=True, slots=True)
class Schedule:
    """The first pause, and for how long a delivery is tried; then it is dead."""

    first_pause_s: float = 5.0
    give_up_s: float = 3 * 86_400.0

    def pause_s(self, attempts: int, draw: float, asked_s: float | None = None) -> float:
        """The pause after so many attempts: it doubles, with jitter. `draw` is from 0 to 1.

        `asked_s` is what the receiver asked for; a longer pause is kept.
        """
        grown = min(LONGEST_S, self.first_pause_s * 2.0 ** min(attempts - 1, _GREATEST_POWER))
        drawn = grown * (1 - _JITTER + 2 * _JITTER * draw)
        return max(drawn, min(asked_s or 0.0, LONGEST_S))

    def next_s(self, tried_s: float, pause_s: float) -> float | None:
        """After how long the next attempt is, of a delivery that was tried for `tried_s`; None: it is dead.

        The last one is when the time is up.
        """
        left = self.give_up_s - tried_s
        return None if left <= 0 else min(pause_s, left)
