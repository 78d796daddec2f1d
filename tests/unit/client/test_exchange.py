"""What the client sends, and when again: decided without a connection, the same for threads and for asyncio."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from keyledger.client import (
    BadRequest,
    Call,
    ClientError,
    Conflict,
    NotModified,
    Problem,
    Refused,
    Retries,
    TooManyRequests,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
    VersionMismatch,
)
from keyledger.client.answer import Answer, Reply
from keyledger.client.calls import (
    create_key,
    edit_key,
    list_keys,
    revoke_key,
    rotate_key,
    set_price,
    show_bill,
    show_key,
    verify_key,
)
from keyledger.client.exchange import Lost, Manner, Pause, Request, exchange

GONE = Lost(ConnectionResetError("reset"), sent=True)
NEVER_SENT = Lost(ConnectionRefusedError("refused"), sent=False)
KEY: dict[str, Any] = {
    "public_id": "abcDEF123456", "tags": {"a": "b"}, "description": None, "organization": "default",
    "workspace": "default", "status": "active", "created_at": "2026-03-01T00:00:00.000Z", "expiration": None,
    "revoked_at": None, "credentials": [], "position": 3, "version": 1, "a_later_member": {"is": "passed over"},
}  # fmt: skip


def said(status: int, content: Any = None, **headers: str) -> Reply:
    """An answer."""
    return Reply(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, msgspec.json.encode(content)
    )


def refused(status: int, **headers: str) -> Reply:
    """A problem."""
    errors = [{"field": "tags.model", "message": "is reserved"}]
    content = {"type": "urn:x", "title": "No", "status": status, "detail": "not so", "errors": errors}
    return said(status, content, **headers)


def played(call: Call[Any], *outcomes: Reply | Lost, **manner: Any) -> tuple[list[Request], list[float], Any]:
    """The requests and the pauses of a call that is answered so, and its answer or error."""
    steps, left = exchange(call, Manner(**manner)), list(outcomes)
    requests, pauses = list[Request](), list[float]()
    outcome: Reply | Lost | None = None
    try:
        while True:
            step = steps.send(outcome)
            if isinstance(step, Pause):
                pauses.append(step.seconds)
                outcome = None
            else:
                requests.append(step)
                outcome = left.pop(0)
    except StopIteration as end:
        return requests, pauses, end.value
    except ClientError as error:
        return requests, pauses, error


CHANGES = (
    create_key({"a": "b"}),
    edit_key("abc", description="x"),
    revoke_key("abc"),
    rotate_key("abc", overlap_s=0),
)


@pytest.mark.parametrize("call", CHANGES, ids=lambda call: call.method + call.path)
@pytest.mark.parametrize(
    "failure", [GONE, NEVER_SENT, refused(503, retry_after="1"), refused(429), refused(409, retry_after="1"), said(502)]
)
def test_a_change_is_repeated_under_one_key_until_it_is_answered(call: Call[Any], failure: Reply | Lost) -> None:
    good = said(201, {**KEY, "api_key": "sk-t0-x"}, idempotency_replayed="true")
    requests, pauses, answer = played(call, failure, failure, good)
    assert isinstance(answer, Answer)
    assert answer.replayed
    assert requests[0] == requests[1] == requests[2]
    assert len({request.headers["Idempotency-Key"] for request in requests}) == 1
    assert len(pauses) == 2
    (other, *_), _, _ = played(call, good)
    assert other.headers["Idempotency-Key"] != requests[0].headers["Idempotency-Key"], (
        "each change has a key of its own"
    )


@pytest.mark.parametrize(
    ("call", "repeated"),
    [
        (show_key("abc"), True),
        (verify_key("sk-t0-x"), True),
        (set_price("p", model="*", currency="EUR", per_inference="1"), True),
        (list_keys(), True),
    ],
)
def test_what_changes_nothing_is_repeated_without_a_key(call: Call[Any], repeated: bool) -> None:
    requests, _, _ = played(call, GONE, refused(404))
    assert (len(requests) == 2) is repeated
    assert all("Idempotency-Key" not in request.headers for request in requests)


def test_without_idempotency_keys_a_change_that_may_have_arrived_is_never_repeated() -> None:
    for failure in (GONE, refused(503, retry_after="1"), refused(409, retry_after="1")):
        requests, pauses, error = played(create_key(), failure, idempotency_keys=False)
        assert (len(requests), pauses) == (1, [])
        assert isinstance(error, ClientError)
    assert "may have been made" in str(played(create_key(), GONE, idempotency_keys=False)[2])
    requests, _, _ = played(create_key(), NEVER_SENT, refused(422), idempotency_keys=False)
    assert len(requests) == 2, "it never arrived"


@pytest.mark.parametrize("answer", [refused(400), refused(401), refused(403), refused(404), refused(409), refused(500)])
def test_what_would_be_answered_alike_is_not_repeated(answer: Reply) -> None:
    requests, pauses, error = played(create_key(), answer)
    assert (len(requests), pauses) == (1, [])
    assert isinstance(error, Problem)


def test_pauses_grow_are_at_least_what_the_registry_says_and_end() -> None:
    failures = [refused(503, retry_after="2"), *[refused(503)] * 20]
    requests, pauses, error = played(show_key("abc"), *failures, retries=Retries(tries=6, longest_pause_s=1.0))
    assert isinstance(error, Unavailable)
    assert len(requests) == 6
    assert pauses[0] == 2.0
    for number, pause in enumerate(pauses[1:], 2):
        most = min(1.0, 0.1 * 2 ** (number - 1))
        assert most / 2 <= pause <= most
    for retries in (Retries.never(), Retries(patience_s=3)):
        requests, pauses, error = played(show_key("abc"), refused(503, retry_after="60"), retries=retries)
        assert (len(requests), pauses) == (1, [])
        assert isinstance(error, Unavailable)
        assert error.retry_after_s == 60
    _, _, error = played(show_key("abc"), *[GONE] * 3, retries=Retries(tries=3))
    assert isinstance(error, Unreachable)
    assert "after 3 tries (ConnectionResetError)" in str(error)
    assert error.__cause__ is GONE.cause


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, BadRequest), (409, Conflict), (412, VersionMismatch), (413, BadRequest), (422, Refused), (418, Problem)],
)
def test_a_problem_has_the_fields_and_what_the_headers_say(status: int, kind: type[Problem]) -> None:
    answer = refused(status, keyledger_request_id="r", keyledger_position="7")
    _, _, error = played(create_key(), answer)
    assert type(error) is kind
    assert (error.status, error.title, error.detail) == (status, "No", "not so")
    assert error.messages() == {"tags.model": "is reserved"}
    assert (error.request_id, error.position, error.retry_after_s) == ("r", 7, None)


def test_a_proxys_page_is_a_problem_too() -> None:
    page = Reply(503, {}, b"<html>\xff</html>")
    _, _, error = played(show_key("abc"), page, retries=Retries.never())
    assert isinstance(error, Unavailable)
    _, _, error = played(
        show_key("abc"), Reply(429, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, b""), refused(404)
    )
    assert not isinstance(error, TooManyRequests), "a date is passed over"


@pytest.mark.parametrize(
    "reply", [Reply(200, {}, b"<html>secret</html>"), said(200, {"secret": 1}), said(200, []), Reply(302, {}, b"")]
)
def test_an_answer_of_something_else_is_refused_without_quoting_it(reply: Reply) -> None:
    _, _, error = played(show_key("abc"), reply)
    assert isinstance(error, UnexpectedAnswer)
    assert "secret" not in str(error)


def test_an_answer_has_its_value_and_what_its_headers_say() -> None:
    _, _, answer = played(
        show_key("abc"), said(200, KEY, keyledger_position="9", etag='"4"', keyledger_gateway="pending")
    )
    assert (answer.position, answer.version, answer.at_gateway, answer.replayed) == (9, 4, False, False)
    assert answer.value.created_at == datetime(2026, 3, 1, tzinfo=UTC)
    assert (answer.value.tags, answer.value.scheduled) == ({"a": "b"}, [])
    _, _, error = played(show_key("abc").if_none_match(4), said(304))
    assert isinstance(error, NotModified)


def test_no_secret_is_in_a_repr() -> None:
    _, _, answer = played(create_key(), said(201, {**KEY, "api_key": "sk-t0-secret"}))
    call = verify_key("sk-t0-secret")
    (request,), _, _ = played(call, said(404))
    assert all("sk-t0-secret" not in repr(one) for one in (answer.value, call, request))


def test_a_call_is_written_as_the_registry_reads_it() -> None:
    noon = datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1)))
    edit = edit_key("abc", tags={"a": None}, description=None, effective_at=noon, reason="ö").if_match(3, 4)
    (request,), _, _ = played(edit.on_behalf_of("Zoë"), said(404), on_behalf_of="Ada")
    assert request.content == b'{"tags":{"a":null},"description":null}', "what is not given is not sent"
    assert request.query == {"effective_at": "2026-03-01T12:00:00Z", "reason": "ö"}
    assert request.headers["If-Match"] == b'"3", "4"'
    assert request.headers["Keyledger-On-Behalf-Of"] == "Zoë".encode()
    (request,), _, _ = played(edit.idempotency_key("mine"), said(404), on_behalf_of="Ada")
    assert request.headers["Idempotency-Key"] == b"mine"
    assert request.headers["Keyledger-On-Behalf-Of"] == b"Ada"
    (request,), _, _ = played(list_keys(tag=["a:b", "c:d"], count=False, limit=5), said(404), on_behalf_of="Ada")
    assert request.query == {"tag": ["a:b", "c:d"], "count": "false", "limit": "5"}
    assert request.headers == {}


@pytest.mark.parametrize("public_id", ["", ".", ".."])
def test_an_id_that_is_another_path_is_refused(public_id: str) -> None:
    with pytest.raises(ValueError, match="id"):
        show_key(public_id)
    assert show_key("a/b?c").path == "/admin/api-keys/a%2Fb%3Fc"


def test_an_instant_without_offset_and_a_float_are_refused() -> None:
    naive = datetime(2026, 3, 1)  # noqa: DTZ001 - what is refused
    for make in (
        lambda: show_bill(since=naive, until=naive),
        lambda: create_key(expiration=naive),
        lambda: edit_key("abc", expiration=naive),
    ):
        with pytest.raises(ValueError, match="offset"):
            make()
    with pytest.raises(TypeError):
        set_price("p", model="*", currency="EUR", per_inference=0.1)  # type: ignore[arg-type]
