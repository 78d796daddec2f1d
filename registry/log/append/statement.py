"""The statement that writes a batch: `sql/append.sql` with the `sql/rows` that it needs, and its arguments."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
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
    statement, *arguments = _statement(batch.appended, batch.changed, batch.secrets, batch.kept, turn)
    row = await driver.fetchrow(statement, *arguments)
    return bool(row["is_ours"])


async def write_states(driver: Any, states: Mapping[str, StreamState]) -> None:
    """Write the rows of states again, under the log's lock. The hashes of secrets stay.

    Processes that remember other states of them forget those.
    """
    await driver.fetchrow(*_statement((), states, {}, {}, None))
    await driver.execute(sql.REBUILT)


def _statement(
    events: Sequence[RecordedEvent],
    changed: Mapping[str, StreamState],
    secrets: Mapping[str, tuple[str, str]],
    kept: Mapping[bytes, tuple[bytes, bytes]],
    turn: Turn | None,
) -> list[Any]:
    """The text and its arguments."""
    rows = state_rows.rows_of(changed, secrets)
    rows["kept_answer"] = [(one, *answer) for one, answer in kept.items()]
    tables = [table for table, found in rows.items() if found]
    # Of NULL there are as many rows as of an empty array.
    columns = [*_columns(list(map(_values, events))), *chain.from_iterable(_columns(rows[table]) for table in tables)]
    guard = _LOCKED
    if turn is not None:  # last of all: what is above takes a while of a large batch
        leeway = LEEWAY + timedelta(seconds=time.monotonic() - turn.since_s)
        guard = (turn.head.position, turn.head.hash, turn.rebuilds, turn.stamped, leeway, list(turn.repeats) or None)
    return [sql.append(*tables), *guard, *columns]


def _columns(rows: list[tuple[Any, ...]]) -> list[list[Any] | None]:
    """Events, and rows of a table, by column."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [None] * len(COLUMNS)
