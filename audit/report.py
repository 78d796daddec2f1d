"""What a long audit reports while it runs: its progress, its findings and its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: what, where, and what to do. No text quotes a secret, its hash, or a payload.

    `where` is the table or object at fault; `position` and `stream` are those of the event that it belongs to, if any.
    """

    kind: str
    where: str
    detail: str
    fix: str
    position: int | None = None
    stream: str | None = None


@dataclass(frozen=True, slots=True)
class Expired:
    """Rows that the journal took and that a gateway's table has let expire: no fault, and they stay in bills.

    `until` is the instant of the oldest row that the table still has; None where it has none.
    """

    table: str
    rows: int
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end: everything up to `position` was checked. `findings` counts all faults, including those in the bookmark.

    `gateway_rows` is how many rows of a gateway's table this run compared; None if there is no such table.
    """

    position: int
    findings: int
    bookmark: str
    gateway_rows: int | None = None
