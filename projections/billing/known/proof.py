"""Brings usage back that another journal had: one that was lost, or that of the registry that an archive is from.

Its batches mean nothing here. But the log has the sums and the fingerprint that each day had then; where this journal
has, or had after one of its own batches, exactly these of all the days that a bill reads, it has the same usage.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from projections.engine.templates import sql
from projections.errors import UsageNotProved
from projections.usage.journal.anchoring import with_days
from projections.usage.journal.state import Journal, Pinned
from registry.usage.days import day_text


async def batch_of_then(journal: Journal, pinned: Pinned, then: Mapping[str, Any], position: int) -> int:
    """The first batch of this journal after which it had of some days what another had.

    `then` has the parameters that name that journal's anchor and the days. Raises UsageNotProved, ClickHouseError.
    """
    known = sql("queries/bill/known_sums", journal.names)
    statement = with_days("queries/bill/known_days", journal.names, known=known)
    rows = await journal.clickhouse.query(statement, {**then, **pinned.parameters}, stoppable=True)
    differing: set[int] = set()
    for batch, days in groupby(rows, key=lambda row: int(row[1])):
        for day, _, same in days:
            (differing.discard if same else differing.add)(day)
        if not differing:
            return batch
    if not differing:
        return 0  # neither has any usage of these days
    first = min(differing)
    raise UsageNotProved(position, "the usage without an instant" if first < 0 else day_text(first))
