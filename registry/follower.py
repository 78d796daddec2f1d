"""The one loop of everything that follows the log: the relay, the projector and the gateway's sync.

There are three kinds of failure. A transport failure is retried soon. A log that can't be trusted stops the follower.
Anything else is retried slowly, as it may pass or be fixed. Each is reported where `status` in another process finds
it.
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from registry.errors import KeyledgerError, LogBroken
from registry.outage import Outage
from registry.parts.part import Part
from registry.retry import retrying

logger = logging.getLogger(__name__)

FOLLOWING: Final = "following"  # the step of an outage that ends when an attempt has come to follow


class Pulse:
    """When a follower last did its work, which may be to find that there is none."""

    def __init__(self) -> None:
        self._at_s: float | None = None

    def beat(self) -> None:
        """It has just done it."""
        self._at_s = time.monotonic()

    @property
    def age_s(self) -> float | None:
        """How long ago that was; None: not yet."""
        return None if self._at_s is None else time.monotonic() - self._at_s


class Follower(Protocol):
    """Follows the log until it is cancelled. `failure` is the error that stopped it, `outage` what it waits for."""

    part: Part
    failure: Exception | None
    outage: Outage
    pulse: Pulse

    @property
    def leads(self) -> bool | None:
        """Whether it is the active one and not a standby; None where any number can be active."""

    async def run(self) -> None:
        """Follow, using `keep_following`."""

    async def follow(self) -> None:
        """Make one attempt: become the leader, check the position, and follow until cancelled or until something fails.

        May be called again however it ended. When it follows, it says so: `outage.answered(FOLLOWING)`.
        """

    async def report(self, failure: str, *, stopped: bool) -> None:
        """Record what it waits for, or what stopped it for now or for good, where `status` finds it. Never raises."""

    async def release(self) -> None:
        """Release what `follow` holds, so that a standby takes over at once. May be called twice."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Which errors are retried soon (`transport`) and which never (`fatal`); all others are after `again_s`."""

    transport: tuple[type[Exception], ...]
    fatal: tuple[type[Exception], ...] = (LogBroken,)
    again_s: float = 30.0


async def keep_following(follower: Follower, name: str, patience: Patience) -> None:
    """Follow until cancelled, or raise the error that stopped it. `follower.failure` then holds that error."""
    try:
        while True:
            try:
                await _with_retries(follower, patience)
            except patience.fatal:
                raise
            except Exception as error:  # noqa: BLE001 - what follows the log must not stop for what may pass
                follower.outage.began(FOLLOWING)
                what = "%s can't continue, and tries again in %.0f s: %s"
                logger.error(what, name, patience.again_s, words(error))  # noqa: TRY400 - a traceback could log values
                await asyncio.sleep(patience.again_s)
    except Exception as error:
        follower.failure = error
        logger.error("%s stopped: %s", name, words(error))  # noqa: TRY400 - as above
        raise
    finally:
        await follower.release()


async def _with_retries(follower: Follower, patience: Patience) -> None:
    async for attempt in retrying(*patience.transport):
        with attempt:
            try:
                await follower.follow()
            except patience.transport as error:
                follower.outage.waits(FOLLOWING, words(error))
                await follower.report(f"waits: {words(error)}", stopped=False)
                raise
            except Exception as error:
                await follower.report(words(error), stopped=True)
                raise
            finally:
                await follower.release()


def words(error: BaseException) -> str:
    """The text of one of our errors; of any other its type and place alone, because its text can quote values."""
    if isinstance(error, KeyledgerError):
        return str(error)
    raised = traceback.extract_tb(error.__traceback__)
    return (
        f"{type(error).__name__} in {Path(raised[-1].filename).name}:{raised[-1].lineno}"
        if raised
        else type(error).__name__
    )


def first_error(group: BaseExceptionGroup[Exception]) -> Exception:
    """The first failure of a task group."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Exception)  # noqa: S101 - for the type checker
    return error
