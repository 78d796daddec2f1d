"""The bill as it would be with events that are not in the log: what they would change is bound to the statement. Pure.

The ledger's tables are read, never written. Only events that edit tags or prices are understood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from projections.billing.bill import Bill
from projections.billing.side_by_side import Compared, ComparedLine, compared_lines, side_by_side
from projections.billing.statement.scope import Scope
from projections.engine.templates import Names
from projections.ledger.rows import PriceRow, TagChange, project
from registry.instant import from_ms, to_ms
from registry.keys.events import tags_written
from registry.log import codec
from registry.log.event_log import RecordedEvent


@dataclass(frozen=True)
class WouldBeEvent:
    """An event that would be appended."""

    type: str
    effective_at: datetime
    data: dict[str, Any]


@dataclass(frozen=True)
class WhatIf:
    """What a change would do to bills; `position` is the log that it was decided on.

    `lines` and `late_lines` are those that differ. `total` is that of the lines, as on a bill.
    """

    position: int
    since: datetime
    until: datetime
    group_by: tuple[str, ...]
    events: list[WouldBeEvent]
    lines: list[ComparedLine]
    total: Compared
    late_lines: list[ComparedLine]


def scope_of(names: Names, events: Sequence[RecordedEvent]) -> Scope:
    """Where a statement reads what holds when as if these events of one stream were the last of the log."""
    scope, rows = Scope(names), project(events)
    if rows.tag_changes:
        return replace(scope, tag_changes=scope.sql("bill/tag_changes_if"), values=_of_tags(rows.tag_changes))
    if rows.prices:
        return replace(scope, price_changes=scope.sql("bill/price_changes_if"), values=_of_prices(rows.prices))
    return scope


def _of_tags(rows: Sequence[TagChange]) -> dict[str, Any]:
    _, public_id, effective_ms, *_ = rows[0]  # one edit of one key: all its tags at one instant
    return {
        "if_public_id": public_id,
        "if_effective_ms": effective_ms,
        "if_tags": [row[0] for row in rows],
        "if_values": [row[4] or "" for row in rows],
    }


def _of_prices(rows: Sequence[PriceRow]) -> dict[str, Any]:
    price_id, _, _, _, model, provider, *_ = rows[0]  # the same in every event of a price
    tags = _tags_of(rows[0])
    return {
        "if_price_id": price_id,
        "if_model": model,
        "if_provider": provider or "",
        "if_tags": list(tags),
        "if_values": list(tags.values()),
        "if_effective_ms": [row[2] for row in rows],
        "if_kinds": [row[3] for row in rows],
        "if_currencies": [row[7] for row in rows],
        "if_amounts": [["" if amount is None else f"{amount:f}" for amount in row[8:16]] for row in rows],
    }


def touched_tags(events: Sequence[RecordedEvent]) -> tuple[str, ...]:
    """The tags that the events write, or that their price asks for."""
    rows = project(events)
    names = {row[0] for row in rows.tag_changes}
    for row in rows.prices:
        names |= _tags_of(row).keys()
    return tuple(sorted(names))


def _tags_of(row: PriceRow) -> Mapping[str, str]:
    tags = row[6]
    if not isinstance(tags, Mapping):
        raise TypeError("the row of a price has no tags")
    return tags


def period_of(
    events: Sequence[RecordedEvent], history: Sequence[RecordedEvent], default_ms: int, now: datetime
) -> tuple[datetime, datetime]:
    """From the instant of effect to when later edits take over, else to the end of this millisecond.

    `history`: the events of the stream. `default_ms` is the instant where no event would be appended.
    """
    first_ms = min((event.effective_ms for event in events), default=default_ms)
    until_ms = max(to_ms(now), first_ms) + 1
    taken_over = _taken_over(events, history)
    return from_ms(first_ms), from_ms(until_ms if taken_over is None else min(until_ms, taken_over))


def _taken_over(events: Sequence[RecordedEvent], history: Sequence[RecordedEvent]) -> int | None:
    """The millisecond from which later edits have all that these events write; None where something stays."""
    last = None
    for event in events:
        for name in tags_written(codec.decode(event)) or ("",):  # "": all that a price charges
            later = [
                one.effective_ms
                for one in history
                if one.effective_ms > event.effective_ms and (not name or name in tags_written(codec.decode(one)))
            ]
            if not later:
                return None
            last = max(last or 0, min(later))
    return last


def what_if(events: list[WouldBeEvent], base: Bill, current: Bill) -> WhatIf:
    """What differs between the bill as it is and as it would be, at one position."""
    compared = side_by_side(base, current)
    late_lines = compared_lines(base.late_lines, current.late_lines)
    return WhatIf(
        position=base.position,
        since=base.since,
        until=base.until,
        group_by=base.group_by,
        events=events,
        lines=_differing(compared.lines),
        total=compared.total,
        late_lines=_differing(late_lines),
    )


def _differing(lines: Sequence[ComparedLine]) -> list[ComparedLine]:
    return [line for line in lines if line.base != line.current]
