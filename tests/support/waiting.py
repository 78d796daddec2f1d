"""To wait for what comes by itself, and to fail where it does not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from registry.retry import poll_until

_T = TypeVar("_T")


async def eventually(
    read: Callable[[], Awaitable[_T]], holds: Callable[[_T], bool], *, timeout_s: float, poll_s: float = 0.05
) -> _T:
    """What `read` gives once it holds. Fails with the last of it when the time is up."""
    found = await poll_until(read, holds, timeout_s=timeout_s, poll_s=poll_s)
    assert holds(found), f"after {timeout_s:g} s it is still {found!r}"
    return found
