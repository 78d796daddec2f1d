"""How often an address may try tokens that are none."""

from __future__ import annotations

import pytest

from registry.errors import TooManyAttempts
from registry.tokens.attempts import Attempts


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_address_waits_until_its_minute_is_over() -> None:
    clock = Clock()
    attempts = Attempts(3, clock)
    for _ in range(3):
        attempts.check("a", "x")
        attempts.bad("a", "x")
    clock.now = 20.5
    with pytest.raises(TooManyAttempts) as caught:
        attempts.check("a", "y")
    assert caught.value.retry_after_s == 40
    attempts.check("b", "y")
    clock.now = 60.0
    attempts.check("a", "y")
    attempts.bad("a", "y")
    attempts.check("a", "y")


def test_a_token_that_was_good_goes_on_until_it_is_bad() -> None:
    attempts = Attempts(1, Clock())
    attempts.good("g")
    attempts.bad("a", "x")
    attempts.check("a", "g")
    attempts.bad("a", "g")
    with pytest.raises(TooManyAttempts):
        attempts.check("a", "g")


def test_memory_is_bounded() -> None:
    attempts = Attempts(1, Clock())
    for number in range(30_000):
        attempts.bad(str(number), "x")
        attempts.good(str(number))
    assert len(attempts._windows) == len(attempts._good) == 10_000
