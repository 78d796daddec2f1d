"""The statement that writes a batch: `sql/append.sql` and its arguments."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Final

from registry.log import sql
from registry.log.append import state_rows
from registry.log.append.batch import Batch
from registry.log.event_log import COLUMNS, Head, RecordedEvent
from registry.log.stream_state import StreamState

# How long a batch may wait for the lock, after which it would be dated too early.
LEEWAY: Final = timedelta(milliseconds=250)
# The lock is held, so nothing is compared.
_LOCKED: Final[tuple[Any, ...]] = (None,) * 6
_values: Final = attrgetter(*COLUMNS)


@dataclass(frozen=True, slots=True)
class Turn:
    """What must still hold when a batch that was decided without the lock gets it.

    The log's last event is `head`, no rows of states were rebuilt since (`rebuilds`), and none of the requests
    `repeats` has an answer. The database's clock, which was `stamped` at `since_s` of `time.monotonic`, is not before
    that, and not after it by more than has passed when the batch is sent, and LEEWAY.
    """

    head: Head
    rebuilds: int
    stamped: datetime
    repeats: Sequence[bytes] = ()
    since_s: float = field(default_factory=time.monotonic)


async def write_batch(driver: Any, batch: Batch, turn: Turn | None = None) -> bool:
    """Write all that the batch decided; False where the turn did not hold, and then nothing is written.

    Without a turn the caller holds the log's lock.
    """
    row = await driver.fetchrow(sql.APPEND, *_arguments(batch.appended, batch.changed, batch.secrets, batch.kept, turn))
    return bool(row["is_ours"])


async def write_states(driver: Any, states: Mapping[str, StreamState]) -> None:
    """Write the rows of states again, under the log's lock. The hashes of secrets stay.

    Processes that remember other states of them forget those.
    """
    await driver.fetchrow(sql.APPEND, *_arguments((), states, {}, {}, None))
    await driver.execute(sql.REBUILT)


def _arguments(
    events: Sequence[RecordedEvent],
    changed: Mapping[str, StreamState],
    secrets: Mapping[str, tuple[str, str]],
    kept: Mapping[bytes, tuple[bytes, bytes]],
    turn: Turn | None,
) -> list[Any]:
    answers = list(kept.values())
    guard = _LOCKED
    columns = [
        *state_rows.transpose(list(map(_values, events)), len(COLUMNS)),
        *state_rows.columns(changed, secrets),
        list(kept),
        [digest for digest, _ in answers],
        [sealed for _, sealed in answers],
    ]
    if turn is not None:  # last of all: what is above takes a while of a large batch
        leeway = LEEWAY + timedelta(seconds=time.monotonic() - turn.since_s)
        guard = (turn.head.position, turn.head.hash, turn.rebuilds, turn.stamped, leeway, list(turn.repeats) or None)
    # Of NULL there are as many rows as of an empty array, and the driver takes no time for it.
    return [*(column or None for column in columns), *guard]
