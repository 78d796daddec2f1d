"""Progress of long-running work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is, in its own unit. `bookmark`, if there is one, is where a later run can resume."""

    stage: str
    done: int
    total: int
    bookmark: str | None = None
