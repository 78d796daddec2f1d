"""How commands call: one coroutine with a client of the operator's app, errors as sentences."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import httpx
import typer

from keyledger.cli.printing.output import waiting
from keyledger.cli.reach import operator
from keyledger.client import AsyncClient, Call, Page, Problem
from keyledger.settings import Settings

T = TypeVar("T")
_PAGE: Final = 1000

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="The data folder; else that of KEYLEDGER_DATA, else ./keyledger-data. The databases of "
        "KEYLEDGER_DATABASE_URL when that is set alone.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
WaitForGateway = Annotated[
    bool, typer.Option("--wait-for-gateway", help="Return only when the gateway's table of keys has it; at most 30 s.")
]
Reason = Annotated[str | None, typer.Option("--reason", help="Why: kept with the event.")]


class CommandFailed(Exception):
    """The call was refused (exit code 1), or could not be understood (2)."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        self.exit_code = exit_code
        super().__init__(message)


def call(data: Path | None, work: Callable[[httpx.AsyncClient], Awaitable[T]], *, quiet: bool = False) -> T:
    """Run `work` with a client; see `operator` for what it reaches. `quiet`: it shows its own progress."""

    async def run() -> T:
        async with operator(data, Settings.read()) as client:
            return await work(client)

    with nullcontext() if quiet else waiting("asking the registry"):
        return asyncio.run(run())


def send(data: Path | None, one: Call[Any]) -> Any:
    """The JSON of one call's answer. Raises CommandFailed with the problem's words."""
    return call(data, lambda client: ask(client, one))


def items(data: Path | None, pages: Call[Page[Any]], limit: int | None = None) -> list[dict[str, Any]]:
    """The JSON of all items of a list, or of so many. Raises CommandFailed with the problem's words."""

    async def found(client: httpx.AsyncClient) -> list[dict[str, Any]]:
        return [one async for one in ask_items(client, pages, limit)]

    return call(data, found)


async def ask(client: httpx.AsyncClient, one: Call[Any]) -> Any:
    """The JSON of a call's answer. Raises CommandFailed."""
    try:
        return await AsyncClient.over(client).send(one.as_json())
    except Problem as problem:
        raise CommandFailed(problem.detail) from None


async def ask_items(
    client: httpx.AsyncClient, pages: Call[Page[Any]], limit: int | None = None
) -> AsyncIterator[dict[str, Any]]:
    """The JSON of each item of a list, up to a limit. Raises CommandFailed."""
    pages = pages.with_json_items().asking(limit=_PAGE if limit is None else min(_PAGE, limit))
    left = limit
    try:
        async for one in AsyncClient.over(client).items(pages):
            yield one
            left = None if left is None else left - 1
            if left == 0:
                return
    except Problem as problem:
        raise CommandFailed(problem.detail) from None


def request(data: Path | None, method: str, path: str, **options: Any) -> Any:
    """One request's JSON. Raises CommandFailed with the problem's words."""

    async def one(client: httpx.AsyncClient) -> Any:
        return checked(await client.request(method, path, **options))

    return call(data, one)


def checked(response: httpx.Response) -> Any:
    """The answer's JSON, or CommandFailed."""
    if response.is_success:
        return response.json()
    raise CommandFailed(problem_of(response))


def problem_of(response: httpx.Response) -> str:
    """What went wrong, in the words of the answer."""
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError):
        return f"the registry answered {response.status_code}"


def pairs(texts: list[str], option: str) -> dict[str, str]:
    """`name:value` options, split at the first colon."""
    named: dict[str, str] = {}
    for text in texts:
        name, colon, value = text.partition(":")
        if not colon:
            raise CommandFailed(f"{option} must be name:value, not {text!r}", 2)
        if name in named:
            raise CommandFailed(f"{option} names {name!r} twice", 2)
        named[name] = value
    return named


def waiting_for(gateway: bool) -> Literal["gateway"] | None:
    """What a call waits for, by WaitForGateway."""
    return "gateway" if gateway else None


def given(**values: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in values.items() if value is not None}
