"""Why an inference is in its bucket, by the log alone and in words. Pure; buckets in the order of the bill's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from registry.instant import format_ms
from registry.keys.state import KeyState


@dataclass(frozen=True, slots=True)
class Evidence:
    """What decides: the instant of its id (None: it has none), its rows, and its key by the log.

    `known` is the key with all that the log held up to `position`, `then` the part of it that was so at the instant;
    None where there was none yet. `created_position` is where the credential came to be, whenever that was.
    """

    at: datetime | None
    position: int
    has_inference: bool
    batch: bool
    credential_id: str
    known: KeyState | None = None
    then: KeyState | None = None
    created_position: int | None = None

    @property
    def key(self) -> KeyState | None:
        """The key, where the credential was known."""
        return self.known if self.known is not None and self.known.credential(self.credential_id) else None


def bucket_of(evidence: Evidence) -> tuple[str, str]:  # noqa: PLR0911 - a bucket each
    """The bucket, and why: the first that fits."""
    if evidence.at is None:
        return "bad_id", "its id is no version 7 UUID: it has no instant, belongs to no period, and is in every bill"
    if evidence.batch:
        return "batch", "it came through a batch request, where the key tag is not the gateway's word"
    if not evidence.has_inference:
        return "orphan", "there are model rows of it, but no inference row that could name a key"
    if not evidence.credential_id:
        return "unkeyed", "its row names no key"
    if evidence.key is None:
        return "unknown_key", _unknown(evidence)
    fault = _outside(evidence, evidence.key, evidence.at)
    if fault is not None:
        return "outside_key_life", f"at {format_ms(evidence.at)} {fault}"
    return "keyed", f"at {format_ms(evidence.at)} its key was alive: {_life(evidence.key)}"


def _unknown(evidence: Evidence) -> str:
    words = f"no key with its credential was known at position {evidence.position}"
    later = evidence.created_position
    return words if later is None else f"{words}: it was created at position {later}"


def _outside(  # noqa: PLR0911 - a way to end each
    evidence: Evidence, key: KeyState, at: datetime
) -> str | None:
    """What the key or the credential was at the instant, where it could not be used."""
    then = evidence.then
    if then is None:
        return f"the key was not created yet: it was at {format_ms(key.created_at)}"
    credential = then.credential(evidence.credential_id)
    if credential is None:
        return "the credential was not issued yet"
    if then.revoked_at is not None:
        return f"the key was revoked, since {format_ms(then.revoked_at)}"
    if credential.revoked_at is not None:
        return f"the credential was revoked, since {format_ms(credential.revoked_at)}"
    if then.suspended_at is not None:
        return f"the key was suspended, since {format_ms(then.suspended_at)}"
    for what, end in (("key", then.expiration), ("credential", credential.expires_at)):
        if end is not None and at >= end:
            return f"the {what} had expired, at {format_ms(end)}"
    return None


def _life(key: KeyState) -> str:
    return f"created at {format_ms(key.created_at)}, and neither ended nor interrupted by then"
