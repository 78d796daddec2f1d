"""What is sent for a call, and when again, without sending it: a generator that asks its driver for each step.

So all rules are here once, and a driver, for threads or for asyncio, knows only how to send and how to wait.
"""

from __future__ import annotations

import random
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from uuid import uuid4

import msgspec

from keyledger.client.answer import Answer, Reply, answer_of
from keyledger.client.call import IDEMPOTENCY_KEY, ON_BEHALF_OF, Call
from keyledger.client.errors import NotModified, UnexpectedAnswer, Unreachable, problem_of, retry_after_s
from keyledger.client.retries import Retries, may_pass

T = TypeVar("T")
_NOT_MODIFIED: Final = 304


@dataclass(frozen=True, slots=True)
class Request:
    """To be sent as it is."""

    method: str
    path: str
    query: Mapping[str, Any]
    headers: Mapping[str, bytes] = field(repr=False)
    content: bytes | None = field(repr=False)
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Pause:
    """To be waited."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer came. `sent` is whether the request may have arrived."""

    cause: Exception
    sent: bool


Steps = Generator[Request | Pause, Reply | Lost | None, T]


@dataclass(frozen=True, slots=True)
class Manner:
    """How a client sends: when again, whether with idempotency keys of its own, and for whom."""

    retries: Retries = field(default_factory=Retries)
    idempotency_keys: bool = True
    on_behalf_of: str | None = None


def exchange(call: Call[T], manner: Manner) -> Steps[Answer[T]]:
    """The steps of a call, until its answer. Raises ClientError."""
    reply = yield from _replies(call, manner)
    if reply.status == _NOT_MODIFIED:
        raise NotModified("304 Not Modified: it still has this version")
    if reply.status >= 400:
        raise problem_of(reply.status, reply.headers, reply.content)
    if not 200 <= reply.status < 300:
        raise UnexpectedAnswer(f"the answer has the status {reply.status}: is this the address of a registry?")
    return answer_of(call, reply)


def _replies(call: Call[T], manner: Manner) -> Steps[Reply]:
    request, began, tried = _request(call, manner), time.monotonic(), 0
    # What changes nothing may be sent again; what changes something only under a key, or where it never arrived.
    safe = not call.changes or call.method == "PUT" or IDEMPOTENCY_KEY in request.headers
    while True:
        outcome = yield request
        tried += 1
        if isinstance(outcome, Reply):
            after = retry_after_s(outcome.headers)
            again = safe and may_pass(outcome.status, after, changes=call.changes)
        else:
            assert isinstance(outcome, Lost)  # noqa: S101 - a driver answers a request with one of the two
            after, again = None, safe or not outcome.sent
        waited_s = time.monotonic() - began
        drawn = random.random()  # noqa: S311 - it only keeps callers from coming all at once
        pause_s = manner.retries.pause_s(tried, waited_s, after, drawn) if again else None
        if pause_s is not None:
            yield Pause(pause_s)
        elif isinstance(outcome, Reply):
            return outcome
        else:
            raise Unreachable(_words(outcome, tried, changes=call.changes)) from outcome.cause


def _request(call: Call[T], manner: Manner) -> Request:
    headers = dict(call.headers)
    if call.changes and manner.on_behalf_of is not None:
        headers.setdefault(ON_BEHALF_OF, manner.on_behalf_of)
    if call.changes and manner.idempotency_keys and call.takes_idempotency_key:
        headers.setdefault(IDEMPOTENCY_KEY, str(uuid4()))
    content = None if call.body is None else msgspec.json.encode(call.body)
    if content is not None:
        headers["Content-Type"] = "application/json"
    coded = {name: value.encode() for name, value in headers.items()}
    return Request(call.method, call.path, call.query, coded, content, call.timeout_s)


def _words(lost: Lost, tried: int, *, changes: bool) -> str:
    tries = "one try" if tried == 1 else f"{tried} tries"
    perhaps = " The change may have been made." if changes and lost.sent else ""
    return f"no answer came after {tries} ({type(lost.cause).__name__}).{perhaps}"
