"""Sends the rows of a file in batches, each under an idempotency key of its own, and writes what became of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NoReturn
from uuid import uuid4

import httpx

from keyledger.cli.keys.files.journal import Done, Journal
from keyledger.cli.keys.files.rows import Row
from keyledger.client import (
    Call,
    Client,
    Forbidden,
    Problem,
    Retries,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    Unreachable,
)
from keyledger.client.calls import create_keys, edit_key

MAX_BATCH: Final = 1000
# After these what was sent may be done.
_UNDECIDED: Final = (Unreachable, TooManyRequests, Unavailable)
_ITEM: Final = re.compile(r"items\.(\d+)\.(.+)")


class RowsRefused(Exception):
    """The registry refused rows; none of their batch is done. The message has a line for each."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many rows are done by this run, and how many were done before."""

    done: int
    before: int


@dataclass(frozen=True, slots=True)
class Registry:
    """Where rows are sent, and as whom."""

    url: str
    token_id: str
    token: str = field(repr=False)


class Import:
    """The import of some rows."""

    def __init__(self, registry: Registry, rows: Sequence[Row], journal: Journal) -> None:
        self._registry = registry
        self._rows = rows
        self._journal = journal

    def run(self, batch: int, on_done: Callable[[int], None]) -> Outcome:
        """Do all that is not done. Raises RowsRefused, BadJournal, and ClientError where it can't go on now."""
        to, journal = self._registry, self._journal
        before = len(self._rows) - len(journal.left(self._rows))
        on_done(before)
        with Client(to.url, to.token) as client, Client(to.url, to.token, retries=Retries.never()) as once:
            if (again := journal.sent(self._rows, to.url, to.token_id, datetime.now(UTC))) is not None:
                self._again(client, again[0].idempotency_key, again[1])
            left = journal.left(self._rows)
            on_done(len(self._rows) - len(left) - before)
            for some in _batches(left, batch):
                call, key = _call(some), f"import-{uuid4()}"
                journal.send(key, to.url, to.token_id, some)
                try:
                    self._take(some, once.send(call.idempotency_key(key)))
                except _UNDECIDED as error:
                    if isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout):
                        journal.refused()  # it was not sent at all
                        raise
                    self._again(client, key, some)
                except Problem as problem:
                    if problem.retry_after_s is not None:
                        self._again(client, key, some)
                    else:  # of one try, whatever it says: nothing was done
                        self._refuse(some, problem)
                on_done(len(some))
        return Outcome(len(self._rows) - before, before)

    def _again(self, client: Client, idempotency_key: str, rows: Sequence[Row]) -> None:
        """Send what may be done already: only a refusal that comes after the look at what was done decides it."""
        try:
            self._take(rows, client.send(_call(rows).idempotency_key(idempotency_key)))
        except (*_UNDECIDED, Unauthenticated, Forbidden):
            raise
        except Problem as problem:
            if problem.retry_after_s is not None:
                raise
            self._refuse(rows, problem)

    def _take(self, rows: Sequence[Row], answer: Any) -> None:
        self._journal.done(_results(rows, answer))

    def _refuse(self, rows: Sequence[Row], problem: Problem) -> NoReturn:
        self._journal.refused()
        raise RowsRefused("\n".join(_words(problem, rows))) from problem


def _batches(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    """Creations by so many, edits one by one: a bulk edit changes many keys in the same way."""
    step = size if rows and rows[0].public_id is None else 1
    return (rows[start : start + step] for start in range(0, len(rows), step))


def _call(rows: Sequence[Row]) -> Call[Any]:
    (first, *_) = rows
    if first.public_id is None:
        return create_keys([row.asks for row in rows]).as_json()
    given = {name: value for name, value in first.asks.items() if name != "public_id"}
    return edit_key(first.public_id, **given).as_json()


def _results(rows: Sequence[Row], answer: Any) -> Iterator[Done]:
    if rows[0].public_id is not None:
        yield Done(rows[0], {"public_id": answer["public_id"], "version": answer["version"]})
        return
    for row, made in zip(rows, answer["items"], strict=True):
        yield Done(row, {"public_id": made["public_id"], "api_key": made["api_key"]})


def _words(problem: Problem, rows: Sequence[Row]) -> Iterator[str]:
    """The lines that are at fault, by what the registry names."""
    for error in problem.errors:
        item = _ITEM.fullmatch(error.field)
        row, field = (rows[int(item[1])], item[2]) if item and int(item[1]) < len(rows) else (rows[0], error.field)
        yield f"line {row.line}: {field} {error.message}"
    if not problem.errors:
        place = f"line {rows[0].line}" if len(rows) == 1 else f"lines {rows[0].line} to {rows[-1].line}"
        yield f"{place}: {problem.detail}"
