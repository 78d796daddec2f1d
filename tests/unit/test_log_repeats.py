"""A failure that repeats itself leaves one line a minute and a count; whatever differs is logged each time."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator

import pytest

from keyledger.runtime.diagnostics.logs import HoldBackRepeats


class Clock:
    """A clock that is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def written(clock: Clock) -> Iterator[Callable[[], list[str]]]:
    """What was logged since the last look."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(HoldBackRepeats(60, clock))
    logger, level = logging.getLogger(), logging.getLogger().level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)

    def since_last() -> list[str]:
        text = stream.getvalue()
        stream.seek(0)
        stream.truncate()
        return text.splitlines()

    yield since_last
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_thousands_of_one_failure_are_one_line_a_minute_with_a_count(
    written: Callable[[], list[str]], clock: Clock
) -> None:
    ours = logging.getLogger("registry.follower")
    for _ in range(5000):
        ours.warning("%s waits: %s", "the relay", "the broker is away")
    assert written() == ["the relay waits: the broker is away"]
    clock.now += 61
    ours.warning("%s waits: %s", "the relay", "the broker is away")
    assert written() == ["the relay waits: the broker is away (and 4999 like it since the last one)"]
    clock.now += 61
    ours.warning("%s waits: %s", "the relay", "the broker is away")
    assert written() == ["the relay waits: the broker is away"]


def test_failures_that_differ_are_all_logged(written: Callable[[], list[str]]) -> None:
    ours = logging.getLogger("projections.ledger.kafka_feed")
    for number in range(50):
        ours.error("dead letter %d: %s", number, "forged")
    assert len(written()) == 50


def test_one_statement_of_a_library_is_one_kind_whatever_it_quotes(written: Callable[[], list[str]]) -> None:
    library = logging.getLogger("asyncio")
    for number in range(50):
        library.error(f"Task exception was never retrieved: Task-{number}")
    library.warning("socket.send() raised exception.")
    assert len(written()) == 2


def test_requests_and_debug_lines_are_never_held_back(written: Callable[[], list[str]]) -> None:
    for level in (logging.DEBUG, logging.INFO):
        for _ in range(20):
            logging.getLogger("keyledger.http").log(level, "%s %s %d", "GET", "/healthz", 200)
    assert len(written()) == 40


def test_what_never_comes_again_is_forgotten(clock: Clock) -> None:
    held_back = HoldBackRepeats(60, clock)
    for number in range(5000):
        assert held_back.filter(logging.LogRecord("keyledger", logging.ERROR, "x.py", 1, f"no. {number}", (), None))
    assert len(held_back._kinds) == 1000
