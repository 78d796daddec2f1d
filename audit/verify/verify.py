"""Checks that everything matches the log, and that the log is unchanged. Reads only; names each fault and its place.

1 log      positions from 1 on without gaps, each event chained to the one before, each decodes
2 ledger   ClickHouse has the rows that each event gives, and no others; its hashes are the log's
3 state    the rows of current state are a fresh fold of each stream; each secret's hash is the one committed to;
           the same holds for the rows of a gateway's key table, if there is one
4 usage    the usage journal is what the gateway's rows give, and what the log's anchors say of it

1 and 2 are one pass over the log in windows, 3 is one pass over the streams in pages: memory does not depend on the
log's length. For what a database can't show from inside, see docs/audit.md.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

from audit.report import Expired, Finding, Verdict
from audit.sources import AuditSources
from audit.verify.bookmark import Bookmark, read_bookmark
from audit.verify.gateway import GatewayCheck
from audit.verify.journal import JournalCheck
from audit.verify.ledger import LedgerCheck
from audit.verify.log import LogCheck, unreachable_events
from audit.verify.state import PAGE, check_page, checkpoint_findings, count_streams
from registry.log.chain_walk import unchecked_pages
from registry.log.log_position import start_of
from registry.progress import Progress

WINDOW = 10_000
WAIT_S = 30.0

Part = Progress | Finding | Expired | Verdict


async def verify(books: AuditSources, bookmark: str | None = None, *, wait_s: float = WAIT_S) -> AsyncIterator[Part]:
    """Report every fault, the progress, and at the end a Verdict.

    With a `bookmark` it resumes there and does not repeat earlier checks. A running projector gets `wait_s` to apply
    what is in the log, and so does a gateway's sync. Raises FieldsRefused, BadBookmark, Busy, ClickHouseError.
    """
    begin = Bookmark(start_of(books.log), None, 0)
    if bookmark is not None:
        begin = await read_bookmark(bookmark, books.log)
    run = _Run(books, begin, wait_s)
    async for part in run.parts():
        if isinstance(part, Finding):
            run.mark = replace(run.mark, found=run.mark.found + 1)
        yield part


class _Run:
    """One run; `mark` is its current place."""

    def __init__(self, books: AuditSources, mark: Bookmark, wait_s: float) -> None:
        self.mark = mark
        self._books = books
        self._wait_s = wait_s
        self._gateway: GatewayCheck | None = None
        if books.gateway is not None:
            self._gateway = GatewayCheck(books.gateway, books.engine, books.log, wait_s)

    async def parts(self) -> AsyncIterator[Part]:
        if self.mark.stream is None:
            async for part in self._log_and_ledger():
                yield part
            self.mark = replace(self.mark, stream="")
        async for part in self._state():
            yield part
        async for one in self._usage():
            yield one
        found, self.mark = self.mark.found, replace(self.mark, stream=None, found=0)
        rows = None if self._gateway is None else self._gateway.rows
        yield Verdict(self.mark.at.position, found, self.mark.text(), rows)

    async def _log_and_ledger(self) -> AsyncIterator[Part]:
        books, head = self._books, await self._books.log.head()
        log = LogCheck(self.mark.at)
        ledger = LedgerCheck(books.clickhouse, books.names, str(books.log.log_id))
        for finding in [
            *await unreachable_events(books.engine),
            *await checkpoint_findings(books),
            *await ledger.wait(books.store, head.position, self._wait_s),
        ]:
            yield finding
        async with aclosing(unchecked_pages(books.log, self.mark.at.position, head.position, WINDOW)) as windows:
            async for window in windows:
                linked, findings = log.check(window)
                findings += await ledger.check(linked)
                for finding in findings:
                    yield finding
                self.mark = replace(self.mark, at=log.at)
                yield Progress("log and ledger", log.at.position, head.position, self.mark.text())
        for finding in [*log.lost(head), *await ledger.beyond(books.log, head.position)]:
            yield finding

    async def _usage(self) -> AsyncIterator[Progress | Finding | Expired]:
        books = self._books
        applied = (await books.store.applied()).position
        async for part in JournalCheck(books.clickhouse, books.names, applied, self.mark.text()).parts():
            yield part

    async def _state(self) -> AsyncIterator[Part]:
        done, total = 0, await count_streams(self._books.engine)
        gateway, stage = self._gateway, "state" if self._gateway is None else "state and gateway"
        for finding in await gateway.begin() if gateway is not None else []:
            yield finding
        while True:
            page = await check_page(self._books.engine, self.mark.stream or "")
            if page.last is None:
                break
            for finding in [*page.findings, *(await gateway.check(page.keys) if gateway is not None else [])]:
                yield finding
            done += PAGE
            self.mark = replace(self.mark, stream=page.last)
            yield Progress(stage, min(done, total), total, self.mark.text())
        for finding in await gateway.copies() if gateway is not None else []:
            yield finding
