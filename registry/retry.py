"""The one retry policy: transport failures are retried after random pauses that grow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_delay,
    stop_never,
    wait_random_exponential,
)

from registry.outage import Outage

_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
_T = TypeVar("_T")


def retrying(
    *kinds: type[Exception], give_up_after_s: float | None = None, outage: Outage | None = None, step: str = ""
) -> AsyncRetrying:
    """Attempts, until one does not raise one of `kinds`; then raises the last error.

    `give_up_after_s` None means no limit. The `outage` logs each failure of the step, and its end. Their texts are
    logged, so with it `kinds` must be errors of ours.
    """
    fails = retry_if_exception_type(kinds)

    def again(state: RetryCallState) -> bool:
        failed, outcome = fails(state), state.outcome
        if outage is not None and outcome is not None:
            if failed:
                outage.waits(step, str(outcome.exception()))
            elif not outcome.failed:
                outage.answered(step)
        return failed

    return AsyncRetrying(
        retry=again,
        stop=stop_never if give_up_after_s is None else stop_after_delay(give_up_after_s),
        wait=wait_random_exponential(multiplier=_FIRST_PAUSE_S, max=_LONGEST_PAUSE_S),
        reraise=True,
    )


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
