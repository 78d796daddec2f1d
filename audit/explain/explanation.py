"""An inference explained, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from audit.explain.arithmetic import InferenceFigures, ModelRow, RowCharge, Sum
from audit.history.events import DescribedEvent
from projections.billing.figures import Charge

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class InferenceRow:
    """Rows of the inference that say the same: the table, what they say, how many there are, and whether they win."""

    table: str
    function: str
    credential_id: str
    claimed_tags: dict[str, str]
    rows: int
    wins: bool


@dataclass(frozen=True, slots=True)
class Inference:
    """The inference row that wins, and all that came; `claimed_tags` are what the client said, not what is billed."""

    function: str
    credential_id: str | None
    claimed_tags: dict[str, str]
    rows: list[InferenceRow]


@dataclass(frozen=True, slots=True)
class WrittenTag:
    """A tag at the instant, and the event that set it; without a value, the one that removed it."""

    name: str
    value: str | None
    event: DescribedEvent


@dataclass(frozen=True, slots=True)
class Explanation(Generic[Key]):
    """Why an inference is on the bill as it is; `disagreements` say where ClickHouse is not as the log.

    `key` is as it was at the instant `at`, None where it was not known or there is no instant; `inference` is None for
    an orphan. `arithmetic` and `rating` are empty where not all model rows are listed. `known_at` is the position asked
    for, if one.
    """

    inference_id: UUID
    at: datetime | None
    position: int
    bucket: str
    reason: str
    disagreements: list[str]
    inference: Inference | None
    public_id: str | None
    key: Key | None
    tags: list[WrittenTag]
    models: list[ModelRow]
    model_rows: int
    arithmetic: list[Sum]
    rating: list[RowCharge]
    usage: InferenceFigures
    charges: tuple[Charge, ...]
    unrated: int
    known_at: int | None
