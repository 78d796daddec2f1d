"""Which records of the topic are events of our log, and why the others are not. Pure.

Anyone who can write to the topic can write a record with a valid hash of its own, because the rule of the chain is
public. So a record is an event of ours if its content matches its hash, and the log has that hash at that position.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from registry.log.chain_walk import Linked
from registry.publish.cloudevent import NotOurs, read_record

Kind = Literal["not_an_event", "another_log", "forged"]
# Records that claim to be of a log: until an operator has looked, nothing after what was applied when they were found
# is applied.
HOLDING: Final[Collection[Kind]] = ("another_log", "forged")


class TopicRecord(Protocol):
    """A record as the broker delivers it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is not an event of our log. `detail` is in our own words, because the record may hold anything."""

    record: TopicRecord
    kind: Kind
    detail: str
    position: int = 0

    @property
    def id(self) -> str:
        """Its place on the topic."""
        return place(self.record)


@dataclass(frozen=True, slots=True)
class Claim:
    """A record whose content matches its own hash, and that claims to be of our log."""

    record: TopicRecord
    linked: Linked


def place(record: TopicRecord) -> str:
    """Where a record is: topic/partition/offset."""
    return f"{record.topic}/{record.partition}/{record.offset}"


def read(records: Iterable[TopicRecord], log_id: str) -> tuple[list[Claim], list[Rejected]]:
    """The claims in order of position, and the records that are not claims."""
    claims: list[Claim] = []
    rejected: list[Rejected] = []
    for record in records:
        one = _read_one(record, log_id)
        claims.append(one) if isinstance(one, Claim) else rejected.append(one)
    claims.sort(key=lambda claim: claim.linked.event.position)
    return claims, rejected


def judge(claims: Iterable[Claim], hashes: Mapping[int, bytes]) -> tuple[list[Claim], list[Rejected]]:
    """The claims whose hash is the log's (`hashes`, by position), and the forged ones."""
    true: list[Claim] = []
    rejected: list[Rejected] = []
    for claim in claims:
        event = claim.linked.event
        held = hashes.get(event.position)
        if held == event.hash:
            true.append(claim)
        else:
            what = "another event" if held is not None else "no event"
            detail = f"claims position {event.position} as {event.type}, where the log has {what}"
            rejected.append(Rejected(claim.record, "forged", detail, event.position))
    return true, rejected


def _read_one(record: TopicRecord, log_id: str) -> Claim | Rejected:
    try:
        read_ = read_record(record.key, record.value)
    except NotOurs as error:
        kind: Kind = "not_an_event" if error.log_id is None else "forged" if error.log_id == log_id else "another_log"
        return Rejected(record, kind, str(error))
    position = read_.linked.event.position
    if read_.log_id != log_id:
        return Rejected(record, "another_log", f"is of the log {read_.log_id}", position)
    if not read_.linked.fits:
        return Rejected(
            record, "forged", f"claims position {position}, but its content does not fit its hash", position
        )
    return Claim(record, read_.linked)
