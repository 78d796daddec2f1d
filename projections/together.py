"""Several pieces of work at once, of which none is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar, overload

_A = TypeVar("_A")
_B = TypeVar("_B")
_C = TypeVar("_C")
_Work = Coroutine[Any, Any, _A]


@overload
async def together(first: _Work[_A], second: _Work[_B], /) -> tuple[_A, _B]: ...


@overload
async def together(first: _Work[_A], second: _Work[_B], third: _Work[_C], /) -> tuple[_A, _B, _C]: ...


async def together(*works: _Work[Any]) -> Any:
    """What all of them return.

    Where one fails, those before it are waited for, and the others are cancelled; it raises the error of the first of
    them that failed. So what is cheap, and says why others fail, comes first.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        return tuple([await task for task in tasks])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
