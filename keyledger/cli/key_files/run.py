"""Sends the rows of a file in batches, each under an idempotency key of its own, and writes what became of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from keyledger.cli.key_files.journal import Done, Journal
from keyledger.cli.key_files.rows import Row
from keyledger.client import Call, Client, Problem, TooManyRequests, Unavailable
from keyledger.client.calls import create_keys, edit_key

MAX_BATCH: Final = 1000
_ITEM: Final = re.compile(r"items\.(\d+)\.(.+)")


class RowsRefused(Exception):
    """The registry refused rows; none of their batch is done. The message has a line for each."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many rows are done by this run, and how many were done before."""

    done: int
    before: int


def run(
    client: Client, token_id: str, rows: Sequence[Row], journal: Journal, batch: int, on_done: Callable[[int], None]
) -> Outcome:
    """Do all that is not done. Raises RowsRefused, BadJournal, and ClientError where the registry can't be asked."""
    again = journal.sent(rows, token_id, datetime.now(UTC))
    before, done = len(rows) - len(journal.left(rows)), 0
    if again is not None:
        sending, sent = again
        _send(client, journal, sending.idempotency_key, sent)
    left = journal.left(rows)
    done = len(rows) - before - len(left)
    on_done(len(rows) - len(left))
    for some in _batches(left, batch):
        key = f"import-{uuid4()}"
        journal.send(key, token_id, some)
        _send(client, journal, key, some)
        done += len(some)
        on_done(len(some))
    return Outcome(done, before)


def _batches(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    """Creations by so many, edits one by one: a bulk edit changes many keys in the same way."""
    step = size if rows and rows[0].public_id is None else 1
    return (rows[start : start + step] for start in range(0, len(rows), step))


def _send(client: Client, journal: Journal, idempotency_key: str, rows: Sequence[Row]) -> None:
    try:
        answer = client.send(_call(rows).as_json().idempotency_key(idempotency_key))
    except (TooManyRequests, Unavailable):
        raise  # it may be done
    except Problem as problem:
        journal.refused()
        raise RowsRefused("\n".join(_words(problem, rows))) from problem
    journal.done(_results(rows, answer))


def _call(rows: Sequence[Row]) -> Call[Any]:
    (first, *_) = rows
    if first.public_id is None:
        return create_keys([row.asks for row in rows])
    given = {name: value for name, value in first.asks.items() if name != "public_id"}
    return edit_key(first.public_id, **given)


def _results(rows: Sequence[Row], answer: Any) -> Iterator[Done]:
    if rows[0].public_id is not None:
        yield Done(rows[0], {"public_id": answer["public_id"], "version": answer["version"]})
        return
    for row, made in zip(rows, answer["items"], strict=True):
        yield Done(row, {"public_id": made["public_id"], "api_key": made["api_key"]})


def _words(problem: Problem, rows: Sequence[Row]) -> Iterator[str]:
    """The lines that are at fault, by what the registry names."""
    named = False
    for error in problem.errors:
        item = _ITEM.fullmatch(error.field)
        row, field = (rows[int(item[1])], item[2]) if item and int(item[1]) < len(rows) else (rows[0], error.field)
        named = True
        yield f"line {row.line}: {field} {error.message}"
    if not named:
        place = f"line {rows[0].line}" if len(rows) == 1 else f"lines {rows[0].line} to {rows[-1].line}"
        yield f"{place}: {problem.detail}"
