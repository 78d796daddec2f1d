"""How far long work is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is, in its own unit; `bookmark`, where there is one, is where a later run can go on."""

    stage: str
    done: int
    total: int
    bookmark: str | None = None
