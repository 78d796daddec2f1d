"""The page of the status: everything that the status can hold is on it, and hosts only for the operator."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from audit.verify.last import LastVerify
from keyledger.console.admin.health_words import ALARMS, FOLLOWERS, PARTS, STATES
from keyledger.console.answers import text
from keyledger.http.answer.encode import encode
from keyledger.http.operations.open_status import open_status
from keyledger.runtime.status import Status
from keyledger.runtime.watching.follower_status import GatewayStatus, ProjectorStatus, PublisherStatus, Redelivered
from keyledger.runtime.watching.part_status import PartStatus
from keyledger.runtime.watching.webhook_status import Attempts, WebhookStatus
from projections.ledger.alarms import Alarm
from projections.usage.gateway_count import GatewayCount
from projections.usage.journal.state import Behind

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET_PLACE = "db-7.internal"
VISIT = SimpleNamespace(
    may=lambda _scope: True,
    csrf="c",
    name="ops",
    parts=(),
    request=SimpleNamespace(url=SimpleNamespace(path="/console/health")),
    session=SimpleNamespace(ends_at=AT),
)
FULL = Status(
    log_id="log",
    head=120,
    recorded_at=AT,
    publishers=(PublisherStatus("events", 100, 20, 61.0, f"{SECRET_PLACE} refuses"),),
    projectors=(ProjectorStatus("clickhouse", 119, 1, 0.4, None), ProjectorStatus("gateway", 120, 0, 0.0, None)),
    dead_letters_open=60,
    redelivered=Redelivered(3, 7),
    alarms=(
        Alarm("part_missing", f"the relay on {SECRET_PLACE} is silent", None, "start it", "relay"),
        Alarm("hole", "position 8 has not come", 8, "keyledger publish --since 8 --until 8"),
    ),
    gateways=(GatewayStatus("tensorzero", 2, 1, index_missing=True, reconciled_at=AT),),
    parts=(
        PartStatus("relay", "missing", UUID(int=1), SECRET_PLACE, 7, AT, AT, 90.0, None),
        PartStatus("relay", "standing_by", UUID(int=2), SECRET_PLACE, 8, AT, AT, 1.0, AT),
    ),
    verified=LastVerify(AT, None, None, f"{SECRET_PLACE} was away", 4000.0),
    gateway_count=GatewayCount(AT, AT, AT, 10, 8, 2, f"{SECRET_PLACE} was away"),
    collector=Behind(9, 4, 12.0, f"{SECRET_PLACE} was away"),
    webhooks=(WebhookStatus(UUID(int=3), 118, 2, 31.0, 5, 1, f"{SECRET_PLACE} was away"),),
    webhook_attempts=Attempts(1, 2, 3),
)
LETTER = {
    "id": "events/0/9",
    "kind": "forged",
    "detail": "its hash is wrong",
    "position": 9,
    "held_position": 8,
    "found_at": "2026-03-01T12:00:00.000000Z",
}


def page(status: Status, *, full: bool, letters: tuple[dict[str, Any], ...] = (LETTER,), **usage: Any) -> str:
    """The page as HTML."""
    return text(
        "health/health.html",
        visit=VISIT,
        shown=encode(status) if full else open_status(status),
        usage={"rows": {"ChatInference": 5, "JsonInference": None}, "seen_until": None, "after_now": None, "hint": None}
        | usage,
        letters=letters,
        verified_as=None if status.verified is None else status.verified.result,
        limits={"lag_s": 30.0, "missing_s": 30.0},
        full=full,
        made_at=AT,
        words={"alarms": ALARMS, "parts": PARTS, "states": STATES, "followers": FOLLOWERS},
    )


def test_the_operator_sees_all_of_it() -> None:
    shown = page(FULL, full=True)
    for words in (
        SECRET_PLACE,
        "process 7",
        "2 alarms",
        "hole",
        "keyledger publish --since 8",
        "forged",
        "standing by",
    ):
        assert words in shown
    assert "Nothing beyond position 8 is applied" in shown
    assert "60 are open" in shown
    assert ALARMS["hole"] in shown


def test_others_see_no_host_and_no_word_of_a_server() -> None:
    shown = page(FULL, full=False)
    assert SECRET_PLACE not in shown
    assert "process 7" not in shown
    assert "start it" in shown


@pytest.mark.parametrize("full", [True, False], ids=["operator", "token"])
def test_a_status_without_clickhouse_is_a_page_too(full: bool) -> None:
    bare = Status("log", 0, None, (), (), None, None, ())
    shown = page(bare, full=full, letters=(), rows={}, hint="not known")
    assert "no alarms" in shown
    assert "No part has given a sign of life" in shown
    assert "not asked, or does not answer" in shown


def test_nothing_is_styled_or_scripted_in_the_page() -> None:
    shown = page(FULL, full=True)
    assert "style=" not in shown
    assert "<style" not in shown
    assert "onclick" not in shown
