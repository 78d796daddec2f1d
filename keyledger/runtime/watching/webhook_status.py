"""How far each webhook is, and what is wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from keyledger.runtime.watching.part_status import Lag
from projections.ledger.alarms import Alarm
from registry.log.event_log import Head
from registry.queries import Seen
from registry.webhooks.progress import WebhookProgress

# An alarm that deliveries died ends by itself: what died is listed, and may stay so.
_DIED: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WebhookStatus:
    """How far a webhook is: `taken` is the position up to which there are deliveries for it.

    `lag_s` is the age of the first event that is not taken, or of the first delivery that its receiver has not, whose
    last `failure` is why.
    """

    id: UUID
    taken: int
    lag_positions: int
    lag_s: float
    pending: int
    dead: int
    failure: str | None


@dataclass(frozen=True, slots=True)
class Attempts:
    """What came of all attempts so far: taken by a receiver, failed, and of those that failed the last of one."""

    delivered: int
    failed: int
    died: int


def webhook_status(one: WebhookProgress, head: Head, seen: Seen) -> WebhookStatus:
    """How far it is."""
    lag_s = max(_untaken_s(one, seen), one.waits_s or 0.0)
    lag = max(0, head.position - one.position)
    return WebhookStatus(one.webhook_id, one.position, lag, round(lag_s, 3), one.pending, one.dead, one.first_error)


def attempts_of(found: Sequence[WebhookProgress]) -> Attempts:
    """The counts of all webhooks, also of those that were deleted: they never go down."""
    return Attempts(
        sum(one.delivered for one in found), sum(one.failed for one in found), sum(one.died for one in found)
    )


def lags_of_webhooks(found: Sequence[WebhookProgress], head: Head, seen: Seen) -> Iterator[Lag]:
    """What the sender has not done: events that it has not looked at, and deliveries that it has not tried."""
    for one in found:
        untried_s = (one.waits_s or 0.0) if one.first_attempts == 0 else 0.0
        positions = max(0, head.position - one.position) or one.pending
        reached = one.position if one.first_pending is None else one.first_pending - 1
        lag_s = max(_untaken_s(one, seen), untried_s)
        yield Lag("sender", f"the webhook {one.webhook_id}", reached, positions, round(lag_s, 3))


def alarms_of_webhooks(found: Sequence[WebhookProgress], seen: Seen, limit_s: float) -> Iterator[Alarm]:
    """What the receivers have not taken. That is no fault of the sender's."""
    for one in found:
        who = f"the webhook {one.webhook_id}"
        if one.first_error is not None and (one.waits_s or 0.0) > limit_s:
            words = f"{who} has {one.pending} events to deliver, the oldest for {one.waits_s:.0f} s: {one.first_error}"
            fix = "see to its receiver: it is tried again by itself, for three days. docs/webhooks.md"
            yield Alarm("webhook_waits", words, one.first_pending, fix)
        if one.died_at is not None and seen.now - one.died_at < _DIED:
            fix = (
                "see them: keyledger webhooks deliveries; send them again: keyledger webhooks replay. docs/webhooks.md"
            )
            count = "one delivery is dead" if one.dead == 1 else f"{one.dead} deliveries are dead"
            yield Alarm("webhook_dead", f"{who}: {count}", None, fix)


def _untaken_s(one: WebhookProgress, seen: Seen) -> float:
    return 0.0 if one.untaken_since is None else max(0.0, (seen.now - one.untaken_since).total_seconds())
