"""The log of golden records: every golden event once, on a fixed log, at fixed instants, chained."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from registry.log import chain
from registry.log.chain_walk import Linked
from tests.support.records import NOON, record

FOLDER = Path(__file__).parents[1] / "golden"
# In the order in which they came to be: each has its position, and so its hash, for ever. New ones go to the end.
NAMES: Final = (
    "AdminTokenCreated.v1",
    "AdminTokenRevoked.v1",
    "ExpirationChanged.v1",
    "ExpirationChanged.v1.never",
    "KeyCreated.v1.bare",
    "KeyCreated.v1",
    "KeyDescribed.v1.cleared",
    "KeyDescribed.v1",
    "KeyRevoked.v1",
    "TagsChanged.v1",
    "KeyImported.v1",
    "KeyImported.v1.revoked",
    "KeySuspended.v1",
    "KeyResumed.v1",
    "KeyRotated.v1",
    "KeyRotated.v1.compromised",
    "CredentialRevoked.v1",
    "ClockDivergenceAccepted.v1",
    "UsageAnchored.v1",
    "PriceSet.v1",
    "PriceSet.v1.margin",
    "PriceEnded.v1",
    "ScheduledChangeCancelled.v1",
    "AdminTokenCreated.v2",
    "AdminTokenRotated.v1",
    "TagPolicySet.v1",
)
STREAMS: Final = {
    "AdminTokenCreated": "token-t0kenPubl1c0",
    "AdminTokenRevoked": "token-t0kenPubl1c0",
    "AdminTokenRotated": "token-t0kenPubl1c0",
    "ClockDivergenceAccepted": "log-clock",
    "UsageAnchored": "usage-tensorzero",
    "TagPolicySet": "tag-policy",
    "PriceSet": "price-llama-gold",
    "PriceEnded": "price-llama-gold",
}
LOG_ID = UUID("11111111-2222-4333-8444-555555555555")


def golden_log() -> dict[str, Linked]:
    """Each golden event by the name of its file, in the order of NAMES."""
    made: dict[str, Linked] = {}
    before, versions = chain.genesis_hash(LOG_ID), dict[str, int]()
    for position, name in enumerate(NAMES, start=1):
        kind, version = name.split(".")[:2]
        stream = STREAMS.get(kind, "key-k3yPubl1cId0")
        versions[stream] = versions.get(stream, 0) + 1
        salt, payload = bytes([position] * 16), (FOLDER / "events" / f"{name}.json").read_bytes()
        event = record(
            position=position,
            stream=stream,
            version=versions[stream],
            type=kind,
            schema_version=int(version.removeprefix("v")),
            recorded_at=NOON + timedelta(seconds=position, microseconds=123_456),
            effective_at=NOON + timedelta(seconds=position, milliseconds=123),
            actor="token-t0kenPubl1c0",
            on_behalf_of="Zoë" if position % 2 else None,
            request_id=f"request-{position}" if position % 3 else None,
            reason='because "of"\nthat' if position % 2 else None,
            payload=payload,
            salt=salt,
            payload_digest=chain.payload_digest(salt, payload),
        )
        made[name] = Linked(before, chain.sealed(before, event))
        before = made[name].event.hash
    return made
