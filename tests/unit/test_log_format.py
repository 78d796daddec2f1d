"""One line an event, as text or as JSON, whatever the event says; what failed is named without what it quotes."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from keyledger.runtime.diagnostics.causes import causes
from keyledger.runtime.diagnostics.log_lines import LogFormat, lines
from registry.errors import Busy
from registry.outage import Outage

SECRET = "correct-horse"


@pytest.fixture(params=["text", "json"])
def written(request: pytest.FixtureRequest) -> Iterator[Callable[[], list[str]]]:
    """The lines of what was logged, in each format."""
    chosen: LogFormat = request.param
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    handler.setFormatter(lines(chosen))
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lambda: stream.getvalue().splitlines()
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize(
    "odd", ["a\nb", "a\r\nb", "a\x0bb", "a\x85b", "a\u2028b", "\x1b[31mred", "a\nERROR forged: b", "\ud800"]
)
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_value_breaks_a_line_or_drives_a_terminal(log_format: LogFormat, odd: str) -> None:
    # Not logged: pytest would keep the lone surrogate for its report, which can't hold it.
    record = logging.LogRecord("asyncio", logging.WARNING, "x.py", 1, "a library says %s", (odd,), None)
    line = lines(log_format).format(record)
    assert "a library says" in line
    assert line.isprintable()


def test_a_traceback_is_a_line_that_says_why_and_quotes_nothing(written: Callable[[], list[str]]) -> None:
    try:
        try:
            int(SECRET)
        except ValueError as error:
            raise Busy("the queue is full") from error
    except Busy:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
    [line] = written()
    assert "Exception in ASGI application: Busy: the queue is full, from ValueError in test_log_format.py" in line
    assert SECRET not in line


def test_the_fields_of_an_event_are_members_of_its_object() -> None:
    record = logging.LogRecord("keyledger.http", logging.INFO, "x.py", 1, "GET %s", ("/x",), None)
    record.fields = {"status": 200, "actor": None}
    line = json.loads(lines("json").format(record))
    assert line.pop("time").endswith("Z")
    assert line == {"level": "INFO", "logger": "keyledger.http", "message": "GET /x", "status": 200, "actor": None}


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (asyncpg.InvalidPasswordError, True),
        (asyncpg.InvalidCatalogNameError, True),
        (asyncpg.CannotConnectNowError, True),
        (asyncpg.UniqueViolationError, False),
        (asyncpg.InvalidTextRepresentationError, False),
    ],
)
def test_what_postgresql_said_is_shown_where_it_can_quote_no_value(kind: type[Exception], shown: bool) -> None:
    said = kind(f"it says {SECRET}")
    wrapped = DBAPIError("SELECT", {"secret": SECRET}, said)
    wrapped.__cause__ = said
    busy = Busy("try again")
    busy.__cause__ = wrapped
    assert causes(busy) == f"Busy: try again, from {kind.__name__}" + (f": it says {SECRET}" if shown else "")


def test_a_port_that_is_closed_is_named() -> None:
    busy = Busy("try again")
    busy.__cause__ = ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 5432)")
    assert "('127.0.0.1', 5432)" in causes(busy)


def test_recovery_is_said_once_when_every_step_that_failed_has_succeeded(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    outage = Outage("the projector", logging.getLogger("projections"), lambda: now[0])
    outage.answered("poll")
    for step in ("write", "guard", "write"):
        outage.waits(step, "ClickHouse is away")
        now[0] += 1
    for step in ("poll", "guard", "write", "write", "guard"):
        outage.answered(step)
    said = [record.getMessage() for record in caplog.records]
    assert said[3:] == ["the projector goes on again, after 3.000 s"]
    outage.began("follow")
    now[0] += 7
    outage.answered("follow")
    assert caplog.records[-1].getMessage() == "the projector goes on again, after 7.000 s"
    assert caplog.records[-1].levelno == logging.WARNING
