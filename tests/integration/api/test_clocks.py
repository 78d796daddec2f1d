"""A clock that was ahead when it stamped an event: changes wait, but what stops a key does not."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from keyledger.runtime.status import status_of
from registry.errors import Conflict
from registry.log.event_log import Caller
from tests.support.api.service import OPERATOR, Api, assert_problem
from tests.support.servers.databases import Database

KEYS = "/admin/api-keys"
AN_HOUR_AHEAD = """
INSERT INTO keyledger.event
SELECT position + 1, 'thing', 1, 'Noted', 1, clock_timestamp() + '1 hour'::interval,
    date_trunc('second', clock_timestamp()), 'operator', NULL, NULL, NULL, '{}', '', '', '\\x00'
FROM keyledger.event
ORDER BY position DESC
LIMIT 1
"""


async def test_stopping_always_works_and_the_alarm_says_why_nothing_else_does(api: Api, database: Database) -> None:
    first, second, third = [(await api.make_key())["public_id"] for _ in range(3)]
    credential = (await api.call("POST", f"{KEYS}/{third}/rotate", json={"overlap_s": 60})).json()["credentials"][1]
    assert (await status_of(api.services.registry)).alarms == ()
    async with database.connect() as owner:
        await owner.execute(AN_HOUR_AHEAD)
    for method, path, body in (
        ("POST", KEYS, {}),
        ("PATCH", f"{KEYS}/{first}", {"tags": {"a": "b"}}),
        ("POST", f"{KEYS}/{first}/rotate", {"compromised": True}),
    ):
        answer = await api.call(method, path, json=body)
        assert_problem(answer, 503)
        assert "behind the last event of the log" in answer.json()["detail"]
        assert 3500 < int(answer.headers["retry-after"]) <= 3600
    for answer in (
        await api.call("DELETE", f"{KEYS}/{first}"),
        await api.call("POST", f"{KEYS}/{second}/suspend", json={}),
        await api.call("DELETE", f"{KEYS}/{third}/credentials/{credential['credential_id']}"),
    ):
        assert answer.status_code == 200, answer.text
    assert (await api.call("GET", f"{KEYS}/{first}")).json()["status"] == "revoked"
    await api.services.registry.tokens.revoke(api.token_ids["writer"], OPERATOR)
    assert (await api.call("GET", KEYS, by="writer")).status_code == 401
    (alarm,) = (await status_of(api.services.registry)).alarms
    assert alarm.kind == "clock"
    assert "3600 s behind" in alarm.detail or "3599 s behind" in alarm.detail


async def test_an_operator_can_go_on_after_a_wrong_date_and_the_log_says_who_and_why(
    api: Api, database: Database
) -> None:
    clock = api.services.registry.clock
    with pytest.raises(Conflict, match="nothing to accept"):
        await clock.accept_divergence(Caller("operator", reason="too early"))
    key = (await api.make_key(tags={"customer_id": "acme"}))["public_id"]
    async with database.connect() as owner:
        await owner.execute(AN_HOUR_AHEAD)
    assert (await api.call("POST", KEYS, json={})).status_code == 503

    accepted = await clock.accept_divergence(Caller("operator", reason="the host was an hour ahead"))
    assert (await status_of(api.services.registry)).alarms == ()
    made = await api.make_key(tags={"customer_id": "acme"}, expiration=soon(minutes=10))
    edited = (await api.patch(key, {"tags": {"customer_id": "beta"}})).json()
    assert edited["tags"] == {"customer_id": "beta"}
    for command, body in (("suspend", None), ("resume", None), ("rotate", {"overlap_s": 60})):
        assert (await api.call("POST", f"{KEYS}/{key}/{command}", json=body)).is_success
    assert abs(instant(made["created_at"]) - datetime.now(instant(made["created_at"]).tzinfo)) < timedelta(minutes=1)

    # Recorded in order, a microsecond apart, and in effect by the clock.
    events = await api.services.registry.log.read(accepted.position - 1, 100)
    assert len(events) == 6
    assert {after.recorded_us - before.recorded_us for before, after in pairwise(events)} == {1}
    assert all(event.recorded_at - event.effective_at > timedelta(minutes=59) for event in events)
    # To the millisecond, as no hash covers more: else every reader of the log takes it for changed, and stops.
    assert not [event.type for event in events if event.effective_us % 1000]
    (entry,) = (await api.call("GET", "/audit/history/log-clock")).json()["items"]
    assert (entry["actor"], entry["reason"]) == ("operator", "the host was an hour ahead")
    assert {change["field"] for change in entry["changes"]} == {"last_recorded_at", "clock"}

    # It covers no later jump.
    async with database.connect() as owner:
        await owner.execute(AN_HOUR_AHEAD.replace("1 hour", "2 hours").replace("'thing', 1", "'thing', 2"))
    assert (await api.call("POST", KEYS, json={})).status_code == 503


def instant(text: str) -> datetime:
    """An instant of an answer."""
    return datetime.fromisoformat(text)


def soon(**later: float) -> str:
    """An instant to come, as a request has it."""
    return (datetime.now().astimezone() + timedelta(**later)).isoformat(timespec="milliseconds")
