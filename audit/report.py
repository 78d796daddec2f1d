"""What a long audit tells while it goes on: how far it is, what it found, and its verdict."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: what, where, and what to do. No text quotes a secret, its hash, or a payload.

    `where` is the table or thing at fault; `position` and `stream` are of the event that it belongs to, where there is
    one.
    """

    kind: str
    where: str
    detail: str
    fix: str
    position: int | None = None
    stream: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end: everything up to `position` was looked at, and so many things are wrong, those of the bookmark too.

    `gateway_rows` of a gateway's table were compared by this run; None where no such table is kept.
    """

    position: int
    findings: int
    bookmark: str
    gateway_rows: int | None = None
