"""A clock that was ahead when it stamped an event: changes wait, but what stops a key does not."""

from __future__ import annotations

from keyledger.runtime.status import status_of
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
