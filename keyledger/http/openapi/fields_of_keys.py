"""Fields of keys, their events and their pages, and of problems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

KEYS: Final[Mapping[str, tuple[str, Any]]] = {
    "Problem.type": ("what kind of problem, as a URN", "urn:keyledger:problem:422"),
    "Problem.title": ("the kind in words, the same for every problem of the status", "Unprocessable Entity"),
    "Problem.status": ("the status of the answer", 422),
    "Problem.detail": ("what failed, and what to do", "tags.model: the tag's name is a reserved word"),
    "Problem.errors": ("each wrong field; empty where no field is at fault", None),
    "FieldError.field": ("where it is, by names from the outermost to the innermost", "tags.model"),
    "FieldError.message": ("what is wrong with it", "the tag's name is a reserved word"),
    "items": ("what the page lists", None),
    "next_cursor": ("the `cursor` of the next page; null on the last", "a2V5czo0Mg"),
    "public_id": ("the key's id: that of its first credential", "k3yPubl1cId0"),
    "tags": ("the key's tags, by name", {"customer_id": "acme", "billing_tier": "gold"}),
    "description": ("a note for people; null: none", "production"),
    "organization": ("the gateway's organization that the key belongs to", "default"),
    "workspace": ("the gateway's workspace that the key belongs to", "default"),
    "status": ("the first that fits: revoked, suspended, expired, active", "active"),
    "created_at": ("when it was created", "2026-03-01T00:00:00.000Z"),
    "expiration": ("from when the key does not work any more; null: it does not expire", "2027-01-01T00:00:00.000Z"),
    "revoked_at": ("from when it is revoked; null: it is not", "2026-09-01T12:30:00.000Z"),
    "expires_at": ("from when it does not work any more; null: as long as its key works", "2026-09-01T12:30:00.000Z"),
    "credentials": ("the key's secrets, the first one first", None),
    "credential_id": ("the 12 characters after the prefix of the secret", "k3yPubl1cId0"),
    "position": ("the position in the log of what the answer shows", 42),
    "Key.position": ("the position of the key's last event", 42),
    "NewKey.position": ("the position of the key's last event", 42),
    "version": ("how many events the key has, up to this one", 3),
    "api_key": ("the secret: no other answer ever shows it", "sk-t0-<12 characters>-<48 characters>"),
    "type": ("what happened", "KeyCreated"),
    "recorded_at": ("when the registry learned it, in microseconds", "2026-03-01T00:00:00.000000Z"),
    "effective_at": ("from when it counts", "2026-03-01T00:00:00.000Z"),
    "actor": ("who did it: an admin token, as token-<id>; operator; or system, by itself", "token-AbCdEfGhIjKl"),
    "actor_name": ("the name of the admin token; null for the operator", "portal"),
    "on_behalf_of": ("the person whom the caller named in Keyledger-On-Behalf-Of; null: nobody", "jane@example.com"),
    "request_id": (
        "the id that the registry gave the request; null: there was none",
        "7d0c4b2f9a6e4d0c8b1f3e5a7c9d2b4e",
    ),
    "reason": ("why, in the caller's words; null: not said", "ticket 4711"),
    "Event.data": ("what the event says, in a form of its own for each type", {"tags": {"customer_id": "acme"}}),
    "Feed.items": (
        "the events in order, each a CloudEvent 1.0 as on the topic",
        [{"specversion": "1.0", "id": "42", "type": "keyledger.KeyCreated.v1", "subject": "k3yPubl1cId0", "data": {}}],
    ),
    "next_after": ("how far the log was looked through: go on with it as `after`", 42),
    "KeyPage.items": ("the keys, the newest first", None),
    "KeyPage.total": ("how many keys pass the filters in all; there with `count=true`", 1234),
    "Liveness.status": ("always ok", "ok"),
    "Readiness.status": ("always ready: what is not ready answers 503", "ready"),
    "KeyUse.items": ("the use of each credential, the first one first", None),
    "last_used_at": ("when it was last used; null: never, as far as rows have come", "2026-03-14T09:26:53.589Z"),
    "seen_until": ("the latest inference that has come; null: there is none", "2026-03-14T09:26:53.589Z"),
}
