"""The facts about usage in the log. Pure values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta

from registry.keys.events import Event

# A JSON number is exact up to here in every reader, and RFC 8785 writes it with its digits alone.
MAX_COUNT: Final = 2**53 - 1
# How many days one event holds, so that a record of the topic stays far below a megabyte.
MAX_DAYS: Final = 1000

Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
Number = Annotated[int, Meta(ge=1, le=MAX_COUNT)]


class AnchoredDay(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The sums of a whole day of usage (UTC); `day` None: of inferences whose ids name no instant."""

    day: str | None
    rows: Count
    inferences: Count
    input_tokens: Count
    output_tokens: Count
    cached_input_tokens: Count
    cached_output_tokens: Count
    cost_usd: str
    fingerprint: str


class UsageAnchored(Event, frozen=True):
    """The usage journal stood at `batch`, with these sums of the days that changed since the anchor before.

    One of `parts` events that are appended together. The anchor counts when its last part is there.
    """

    journal: str
    batch: Number
    part: Number
    parts: Number
    days: Annotated[tuple[AnchoredDay, ...], Meta(max_length=MAX_DAYS)]


def usage_stream(source: str) -> str:
    """The stream of a source of usage."""
    return f"usage-{source}"


def parts_of(journal: UUID, batch: int, days: Sequence[AnchoredDay]) -> list[UsageAnchored]:
    """The events of an anchor at a batch of a journal; of no days too, one event then."""
    chunks = [tuple(days[first : first + MAX_DAYS]) for first in range(0, max(1, len(days)), MAX_DAYS)]
    return [UsageAnchored(str(journal), batch, part, len(chunks), chunk) for part, chunk in enumerate(chunks, start=1)]
