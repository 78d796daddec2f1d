"""What the log says of each request: one line that leads to its events and its caller, and quotes nothing of it."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.types import Receive, Scope, Send

from keyledger.http.middleware.guard import Guard
from keyledger.runtime.diagnostics.log_lines import fields_of
from keyledger.runtime.diagnostics.logs import QUIET
from tests.support.api.service import Api

KEYS = "/admin/api-keys"
SECRET = "correct-horse"


@pytest.fixture(autouse=True)
def talkative(caplog: pytest.LogCaptureFixture) -> None:
    """Everything of ours is logged, and of libraries what `configure_logging` leaves of them."""
    for name in QUIET:
        caplog.set_level(logging.WARNING, name)
    caplog.set_level(logging.DEBUG)


def requests(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The fields of the requests that were logged."""
    return [fields_of(record) for record in caplog.records if fields_of(record)]


async def test_a_line_leads_from_the_answer_to_the_caller_and_to_the_event(
    shared_api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    before = await shared_api.head()
    answer = await shared_api.call("POST", KEYS, json={"description": SECRET, "tags": {"a": SECRET}}, by="writer")
    path = f"{KEYS}/{answer.json()['public_id']}"
    await shared_api.call("PATCH", path, json={"description": f"{SECRET} 2"}, params={"reason": SECRET}, by="writer")
    made, edited = requests(caplog)
    assert made["duration_ms"] > 0
    assert {**made, "duration_ms": 0} == {
        "request_id": answer.headers["keyledger-request-id"],
        "actor": f"token-{shared_api.token_ids['writer']}",
        "method": "POST",
        "route": KEYS,
        "status": 201,
        "duration_ms": 0,
    }
    assert (edited["route"], edited["status"]) == (f"{KEYS}/{{public_id}}", 200)
    events = await shared_api.services.registry.log.read(before, 2)
    assert [event.request_id for event in events] == [made["request_id"], edited["request_id"]]
    assert SECRET not in caplog.text
    assert answer.json()["public_id"] not in caplog.text


async def test_a_caller_that_is_not_known_is_not_named(shared_api: Api, caplog: pytest.LogCaptureFixture) -> None:
    for headers in ({}, {"Authorization": f"Bearer {SECRET}"}, shared_api.bearer("revoked")):
        assert (await shared_api.client.get(KEYS, headers=headers)).status_code == 401
    await shared_api.client.get(f"/{SECRET}?{SECRET}")
    found = requests(caplog)
    assert [(one["actor"], one["status"]) for one in found] == [(None, 401)] * 3 + [(None, 404)]
    assert len({one["request_id"] for one in found}) == 4
    assert SECRET not in caplog.text


async def breaks(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """An app with a bug, whose text quotes what it was sent."""
    try:
        int(SECRET)
    except ValueError as error:
        raise RuntimeError(SECRET) from error


async def test_a_bug_is_one_line_with_its_cause_and_its_place(caplog: pytest.LogCaptureFixture) -> None:
    transport = httpx.ASGITransport(Guard(breaks, CollectorRegistry()))
    async with httpx.AsyncClient(transport=transport, base_url="http://keyledger") as client:
        answer = await client.get("/")
    assert answer.status_code == 500
    [record] = [record for record in caplog.records if record.name == "keyledger.http"]
    assert record.levelno == logging.ERROR
    cause = requests(caplog)[0]["cause"]
    assert cause.startswith("RuntimeError in test_request_log.py:")
    assert ", from ValueError in test_request_log.py:" in cause
    assert " breaks < " in cause
    assert answer.headers["keyledger-request-id"] in record.getMessage()
    assert SECRET not in caplog.text


async def test_a_refusal_for_too_many_requests_has_its_line_too(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keyledger.http.middleware.guard.MAX_RUNNING", 0)
    transport = httpx.ASGITransport(Guard(breaks, CollectorRegistry()))
    async with httpx.AsyncClient(transport=transport, base_url="http://keyledger") as client:
        assert (await client.get("/")).status_code == 503
    [found] = requests(caplog)
    assert (found["status"], found["cause"]) == (503, "Too many requests are under way: try again.")
