"""What an operator decides about dead letters: `waive` and `replay`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keyledger.runtime.connections import kafka_options
from keyledger.runtime.services import Services
from projections.ledger.dead_letters import (
    SWITCH,
    DeadLetter,
    DeadLetters,
    DeadLetterTopic,
    dead_letter_topic,
)
from registry.errors import FieldFault, FieldsRefused

EVERY = 1_000_000


@dataclass(frozen=True, slots=True)
class Replayed:
    """The letters that went back to the topic, and those whose records the topic of dead letters does not have."""

    replayed: list[DeadLetter]
    missing: list[DeadLetter]


async def waive(services: Services, ids: Sequence[str] | None, reason: str) -> list[DeadLetter]:
    """Close open ones, all when `ids` is None: what they held goes on. Raises FieldsRefused."""
    chosen = await _open(services.letters, ids)
    await services.letters.decide(chosen, "waived", reason)
    return chosen


async def replay(services: Services, ids: Sequence[str] | None, reason: str) -> Replayed:
    """Send the records of open ones to the topic of events again, word for word, and close them.

    A record that is still no event of our log becomes a new dead letter. Raises FieldsRefused, FeedUnavailable,
    SettingsError where no broker is set.
    """
    settings = services.settings
    topic = DeadLetterTopic(kafka_options(settings), dead_letter_topic(settings.kafka_topic))
    chosen = {letter.id: letter for letter in await _open(services.letters, ids)}
    try:
        found = await topic.replay(set(chosen), settings.kafka_topic) if chosen else set()
    finally:
        await topic.close()
    done = [letter for id_, letter in chosen.items() if id_ in found]
    await services.letters.decide(done, "replayed", reason)
    return Replayed(done, [letter for id_, letter in chosen.items() if id_ not in found])


async def _open(letters: DeadLetters, ids: Sequence[str] | None) -> list[DeadLetter]:
    found = [one for one in await letters.find("open", ids=ids or (), limit=EVERY) if one.kind != SWITCH]
    unknown = set(ids or ()) - {letter.id for letter in found}
    if unknown:
        raise FieldsRefused(FieldFault("ids", f"{', '.join(sorted(unknown))}: no open dead letter"))
    return found
