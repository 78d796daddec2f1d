"""When the journal took which rows: what it had by an anchor, and rows cut into batches that arrive in any order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from tests.support.oracle.rows import Row


@dataclass(frozen=True)
class Arrival:
    """A row that the journal took with a batch, or (`gone`) that it took out again."""

    batch: int
    row: Row
    gone: bool = False


@dataclass(frozen=True)
class Anchor:
    """The log said at a position (that of its last part) that the journal had all batches up to one."""

    position: int
    batch: int


def rows_known(arrivals: Iterable[Arrival], anchors: Iterable[Anchor], usage_known_at: int | None) -> list[Row]:
    """The rows of all batches that were anchored by a position; None: all that is collected.

    Before the first anchor there are none. Arrivals of one batch count in the order that they are given in.
    """
    batches = [anchor.batch for anchor in anchors if usage_known_at is not None and anchor.position <= usage_known_at]
    last = max(batches, default=0)
    rows: list[Row] = []
    for arrival in sorted(arrivals, key=lambda arrival: arrival.batch):
        if usage_known_at is not None and arrival.batch > last:
            break
        if arrival.gone:
            rows.remove(arrival.row)
        else:
            rows.append(arrival.row)
    return rows


def cut(
    rows: Sequence[Row], chance: Random, *, batches: int = 6, again: float = 0.15, gone: float = 0.0
) -> list[Arrival]:
    """The rows in batches 1 to at most `batches`, in any order: an inference's model rows may come first, or last.

    The share `again` of them comes a second time, with the same batch or a later one; `gone`, with a later arrival that
    brings them back, is taken out in between. In the end, all are there.
    """
    arrivals: list[Arrival] = []
    for row in chance.sample(rows, len(rows)):
        first, second, third = sorted(chance.randint(1, batches) for _ in range(3))
        arrivals.append(Arrival(first, row))
        if chance.random() < gone:
            arrivals += [Arrival(second, row, gone=True), Arrival(third, row)]
        elif chance.random() < again:
            arrivals.append(Arrival(second, row))
    return sorted(arrivals, key=lambda arrival: arrival.batch)
