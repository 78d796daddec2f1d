"""The one loop of everything that follows the log: the relay, the projector and the gateway's sync.

There are three kinds of failure. A transport failure is retried soon. A fault that somebody must fix is retried slowly.
Any other error stops the follower. Each is reported where `status` in another process finds it.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Protocol

from registry.errors import KeyledgerError
from registry.retry import retrying

logger = logging.getLogger(__name__)


class Follower(Protocol):
    """Follows the log until it is cancelled. `failure` is the error that stopped it."""

    failure: Exception | None

    async def run(self) -> None:
        """Follow, using `keep_following`."""

    async def follow(self) -> None:
        """Make one attempt: become the leader, check the position, and follow until cancelled or until something fails.

        May be called again however it ended.
        """

    async def report(self, failure: str, *, stopped: bool) -> None:
        """Record what it waits for, or what stopped it, where `status` finds it. Never raises."""

    async def release(self) -> None:
        """Release what `follow` holds, so that a standby takes over at once. May be called twice."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Which errors are retried: `transport` soon, `mendable` after `mendable_s`, as somebody must fix the cause."""

    transport: tuple[type[Exception], ...]
    mendable: tuple[type[Exception], ...] = ()
    mendable_s: float = 30.0


async def keep_following(follower: Follower, name: str, patience: Patience) -> None:
    """Follow until cancelled, or raise the error that stopped it. `follower.failure` then holds that error."""
    try:
        while True:
            try:
                await _with_retries(follower, name, patience)
            except patience.mendable as error:
                logger.warning("%s can't continue until this is fixed: %s", name, words(error))
                await asyncio.sleep(patience.mendable_s)
    except Exception as error:
        follower.failure = error
        logger.error("%s stopped: %s", name, words(error))  # noqa: TRY400 - a traceback could log values
        raise
    finally:
        await follower.release()


async def _with_retries(follower: Follower, name: str, patience: Patience) -> None:
    async for attempt in retrying(*patience.transport):
        with attempt:
            try:
                await follower.follow()
            except patience.transport as error:
                logger.warning("%s waits: %s", name, words(error))
                await follower.report(f"waits: {words(error)}", stopped=False)
                raise
            except Exception as error:
                await follower.report(words(error), stopped=True)
                raise
            finally:
                await follower.release()


def words(error: Exception) -> str:
    """The text of one of our errors; for any other error only its type, because its text can quote values."""
    return str(error) if isinstance(error, KeyledgerError) else type(error).__name__


def first_error(group: BaseExceptionGroup[Exception]) -> Exception:
    """The first failure of a task group."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Exception)  # noqa: S101 - for the type checker
    return error
