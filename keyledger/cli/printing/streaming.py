"""Commands that follow a long answer: a bar for people, the parts for programs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx

from keyledger.cli.client import CommandFailed, call, checked
from keyledger.cli.printing.output import counting

Take = Callable[[str, Any], None]
_CUT_OFF = "the answer was cut off: see the log of the process that was asked, and run the command again"


def follow(data: Path | None, method: str, path: str, take: Take, **options: Any) -> Any:
    """Ask, show how far it is, give each other part to `take` (its kind, itself), and answer with the result.

    Raises CommandFailed with the words of what failed, also half way, and where the answer was cut off.
    """

    async def run(client: httpx.AsyncClient) -> Any:
        with counting() as bars:
            tasks: dict[str, Any] = {}
            async with client.stream(method, path, **options) as response:
                if not response.is_success:
                    await response.aread()
                    checked(response)
                async for line in _lines(response):
                    ((kind, part),) = json.loads(line).items()
                    if kind == "error":
                        raise CommandFailed(part)
                    if kind == "result":
                        return part
                    if kind == "progress":
                        task = tasks.get(part["stage"])
                        if task is None:
                            task = tasks[part["stage"]] = bars.add_task(part["stage"], total=part["total"])
                        bars.update(task, completed=part["done"], total=part["total"])
                    take(kind, part)
        raise CommandFailed(_CUT_OFF)

    return call(data, run, quiet=True)


async def _lines(response: httpx.Response) -> AsyncIterator[str]:
    try:
        async for line in response.aiter_lines():
            yield line
    except httpx.RemoteProtocolError as error:
        raise CommandFailed(_CUT_OFF) from error
