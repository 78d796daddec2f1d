"""The one loop of everything that follows the log: relay, projector, gateway's sync.

Three kinds of failure: transport waits and tries again; what somebody must mend is tried again slowly; all else stops
the follower. Each is reported where `status` of another process finds it.
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
    """What follows the log until it is cancelled; `failure` is what stopped it."""

    failure: Exception | None

    async def run(self) -> None:
        """Follow, by `keep_following`."""

    async def follow(self) -> None:
        """One attempt: take the lead, check where it is, and follow until cancelled, or something fails.

        May be called again after any end.
        """

    async def report(self, failure: str, *, stopped: bool) -> None:
        """Leave word of what it waits for, or was stopped by, where `status` finds it. Never raises."""

    async def release(self) -> None:
        """Give back what `follow` holds: a standby takes over at once. May be called twice."""


@dataclass(frozen=True, slots=True)
class Patience:
    """What is tried again: `transport` soon, `mendable` after `mendable_s`, as somebody must mend it first."""

    transport: tuple[type[Exception], ...]
    mendable: tuple[type[Exception], ...] = ()
    mendable_s: float = 30.0


async def keep_following(follower: Follower, name: str, patience: Patience) -> None:
    """Follow until cancelled, or raise what stopped it, which `follower.failure` then holds."""
    try:
        while True:
            try:
                await _patiently(follower, name, patience)
            except patience.mendable as error:
                logger.warning("%s can't go on until this is mended: %s", name, words(error))
                await asyncio.sleep(patience.mendable_s)
    except Exception as error:
        follower.failure = error
        logger.error("%s stopped: %s", name, words(error))  # noqa: TRY400 - no values of a trace in logs
        raise
    finally:
        await follower.release()


async def _patiently(follower: Follower, name: str, patience: Patience) -> None:
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
    """What an error of ours says; of others the kind alone: their texts can quote values."""
    return str(error) if isinstance(error, KeyledgerError) else type(error).__name__


def first_error(group: BaseExceptionGroup[Exception]) -> Exception:
    """The first failure of a task group."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Exception)  # noqa: S101 - for the type checker
    return error
