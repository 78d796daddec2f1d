"""What an event says, in words for people: what each type is called, and what it changed in short. Pure.

A payload may be of a newer version of the log: what is not known is left out, and nothing here raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Literal

from markupsafe import Markup

from keyledger.console.formats import instant, number
from registry.instant import cut_ms

Payload = Mapping[str, Any]
# A text, or a text with instants in it.
Words = list[str | Markup]
When = Literal["backdated", "scheduled", ""]

NAMES: Final[Mapping[str, str]] = {
    "KeyCreated": "Key created",
    "KeyImported": "Key imported",
    "TagsChanged": "Tags changed",
    "ScheduledChangeCancelled": "Scheduled change cancelled",
    "KeyDescribed": "Description changed",
    "ExpirationChanged": "Expiration changed",
    "KeySuspended": "Key suspended",
    "KeyResumed": "Key resumed",
    "KeyRotated": "Secret rotated",
    "CredentialRevoked": "Secret revoked",
    "KeyRevoked": "Key revoked",
    "AdminTokenCreated": "Token created",
    "AdminTokenRotated": "Token rotated",
    "AdminTokenRevoked": "Token revoked",
    "PriceSet": "Price set",
    "PriceEnded": "Price ended",
    "TagPolicySet": "Tag policy set",
    "UsageAnchored": "Usage anchored",
    "ClockDivergenceAccepted": "Clock accepted",
}
# What ends something, and what holds it up: rows of these stand out by a mark.
ENDS: Final = frozenset({"KeyRevoked", "CredentialRevoked", "AdminTokenRevoked", "PriceEnded"})
HOLDS: Final = frozenset({"KeySuspended"})
_SCOPES_SHOWN: Final = 4


def name_of(kind: str) -> str:
    """What a type of event is called; its own name where it is not known here."""
    return NAMES.get(kind, kind)


def when_of(recorded_at: datetime, effective_at: datetime) -> When:
    """Whether an event took, or takes, effect at another instant than it was recorded at; empty where it does not."""
    recorded = cut_ms(recorded_at)  # instants of effect are whole milliseconds, and the log's clock is finer
    if effective_at < recorded:
        return "backdated"
    return "scheduled" if effective_at > recorded else ""


def tags_of(kind: str, payload: Payload) -> tuple[dict[str, str], list[str]]:
    """The tags that an event sets, and those that it removes."""
    if kind == "TagsChanged":
        return dict(payload.get("set") or {}), list(payload.get("remove") or [])
    if kind in {"KeyCreated", "KeyImported", "PriceSet", "PriceEnded"}:
        return dict(payload.get("tags") or {}), []
    return {}, []


def words_of(kind: str, payload: Payload) -> Words:
    """What else it changed, each thing by itself."""
    say = _SAY.get(kind)
    return [] if say is None else [one for one in say(payload) if one]


def _begun(payload: Payload) -> Words:
    expires, source = payload.get("expiration"), payload.get("source")
    return [
        f"from {source}" if source else "",
        str(payload.get("description") or ""),
        Markup("expires {}").format(instant(expires)) if expires else "",
    ]


def _cancelled(payload: Payload) -> Words:
    return [f"the change at position {payload.get('scheduled_position')}"]


def _described(payload: Payload) -> Words:
    return [str(payload.get("description") or "cleared")]


def _expires(payload: Payload) -> Words:
    at = payload.get("expiration")
    return [Markup("expires {}").format(instant(at)) if at else "never expires"]


def _rotated(payload: Payload) -> Words:
    made, retired = payload.get("credential") or {}, ", ".join(payload.get("retired") or [])
    end: str | Markup = Markup("{} ends {}").format(retired, instant(payload.get("expires_at")))
    if payload.get("compromised"):
        end = f"{retired} ended at once: compromised"
    return [f"new secret {made.get('credential_id', '')}", end if retired else ""]


def _credential_revoked(payload: Payload) -> Words:
    return [f"secret {payload.get('credential_id')}"]


def _token_created(payload: Payload) -> Words:
    expires, scopes = payload.get("expires_at"), payload.get("scopes") or []
    return [
        str(payload.get("name") or ""),
        ", ".join(scopes) if len(scopes) <= _SCOPES_SHOWN else f"{len(scopes)} scopes",
        "confined" if payload.get("confined_to") else "",
        Markup("expires {}").format(instant(expires)) if expires else "",
    ]


def _token_rotated(payload: Payload) -> Words:
    return [
        f"successor {payload.get('successor')}",
        Markup("works until {}").format(instant(payload.get("expires_at"))),
    ]


def _priced(payload: Payload) -> Words:
    amounts, currency = payload.get("per_million") or {}, payload.get("currency") or ""
    each, times = payload.get("per_inference"), payload.get("cost_multiplier")
    rates = ", ".join(f"{what.replace('_', ' ')} {amount}" for what, amount in amounts.items())
    return [
        _rated(payload),
        f"{rates} {currency} per million tokens" if rates else "",
        f"{each} {currency} per inference" if each else "",
        f"the recorded cost times {times}" if times else "",
    ]


def _price_ended(payload: Payload) -> Words:
    return [_rated(payload)]


def _rated(payload: Payload) -> str:
    model, provider = payload.get("model") or "", payload.get("provider")
    model = "any model" if model == "*" else str(model)
    return f"{model} of {provider}" if provider else model


def _policy(payload: Payload) -> Words:
    rules = payload.get("tags") or {}
    count = "1 rule" if len(rules) == 1 else f"{len(rules)} rules"
    return [count, "no other tags" if payload.get("closed") else "other tags allowed"]


def _anchored(payload: Payload) -> Words:
    days = payload.get("days") or []
    rows = number(sum(int(day.get("rows") or 0) for day in days))
    count = "1 day" if len(days) == 1 else f"{len(days)} days"
    return [f"batch {payload.get('batch')}", f"{rows} rows of {count}"]


def _clock(payload: Payload) -> Words:
    last, clock = instant(payload.get("last_recorded_at")), instant(payload.get("clock"))
    return [Markup("last event {}").format(last), Markup("clock {}").format(clock)]


_SAY: Final[Mapping[str, Callable[[Payload], Words]]] = {
    "KeyCreated": _begun,
    "KeyImported": _begun,
    "ScheduledChangeCancelled": _cancelled,
    "KeyDescribed": _described,
    "ExpirationChanged": _expires,
    "KeyRotated": _rotated,
    "CredentialRevoked": _credential_revoked,
    "AdminTokenCreated": _token_created,
    "AdminTokenRotated": _token_rotated,
    "PriceSet": _priced,
    "PriceEnded": _price_ended,
    "TagPolicySet": _policy,
    "UsageAnchored": _anchored,
    "ClockDivergenceAccepted": _clock,
}
