"""The one retry policy: transport failures are retried after random pauses that grow."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    before_sleep_nothing,
    retry_if_exception_type,
    stop_after_delay,
    stop_never,
    wait_random_exponential,
)

_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
_T = TypeVar("_T")


def retrying(
    *kinds: type[Exception], give_up_after_s: float | None = None, logger: logging.Logger | None = None
) -> AsyncRetrying:
    """Attempts, until one does not raise one of `kinds`; then raises the last error.

    `give_up_after_s` None means no limit. `logger` gets each failure as a warning, equal for equal errors. Its text is
    logged, so with a logger `kinds` must be errors of ours.
    """
    return AsyncRetrying(
        retry=retry_if_exception_type(kinds),
        stop=stop_never if give_up_after_s is None else stop_after_delay(give_up_after_s),
        wait=wait_random_exponential(multiplier=_FIRST_PAUSE_S, max=_LONGEST_PAUSE_S),
        before_sleep=before_sleep_nothing if logger is None else _warning_of(logger),
        reraise=True,
    )


def _warning_of(logger: logging.Logger) -> Callable[[RetryCallState], None]:
    def warn(state: RetryCallState) -> None:
        error = None if state.outcome is None else state.outcome.exception()
        logger.warning("waits, and tries again: %s", error)

    return warn


async def poll_until(
    read: Callable[[], Awaitable[_T]], reached: Callable[[_T], bool], *, timeout_s: float, poll_s: float = 0.05
) -> _T:
    """The result of `read` once it has reached what is waited for, or when the time is up: check it."""
    found = await read()
    try:
        async with asyncio.timeout(timeout_s):
            while not reached(found):
                await asyncio.sleep(poll_s)
                found = await read()
    except TimeoutError:
        pass
    return found
