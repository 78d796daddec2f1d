"""A gateway's rows and the bills over them, whatever happens to the registry: a bill is right, or refused."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import httpx

from keyledger.demo.gateway_rows import GatewayRows, KeyUse, generate
from registry.instant import format_ms, from_ms, parse_instant, to_ms
from tests.support.oracle.oracle import Fact, oracle_bill
from tests.support.oracle.truth import SINCE, rows_of
from tests.support.portal import AdminClient
from tests.support.processes.registry_process import RegistryProcess

GROUP_BY = ["customer_id"]
INFERENCES = 40  # every kind there is
SPAN_MS = 4000
Bill = dict[str, Any]


@dataclass
class Usage:
    """What the gateway wrote, and the last bill that was compared with the oracle's: it never changes again."""

    process: RegistryProcess
    rng: Random
    scratch: Path
    loaded: list[GatewayRows] = field(default_factory=list)
    waiting: list[GatewayRows] = field(default_factory=list)
    question: dict[str, Any] | None = None
    right: Bill = field(default_factory=dict)
    compared: int = 0
    refused: int = 0
    folders: Any = field(default_factory=count)
    loading: asyncio.Lock = field(default_factory=asyncio.Lock)
    over: bool = False

    async def load(self, uses: Sequence[KeyUse]) -> None:
        """Load some rows of the keys; what is not acknowledged waits for `load_again`."""
        since_ms = to_ms(datetime.now(UTC))
        self.waiting.append(generate(self.rng.randrange(10**9), uses, since_ms, since_ms + SPAN_MS, INFERENCES))
        await self.load_again()

    async def load_again(self) -> bool:
        """Load what waits; whether all of it is there now."""
        async with self.loading:
            while self.waiting:
                if not await self._load(self.waiting[0]):
                    return False
                self.loaded.append(self.waiting.pop(0))
        return True

    async def load_everything_again(self) -> bool:
        """As an operator does after a loss; whether all of it is there."""
        rows = GatewayRows(Random(0))
        for one in self.loaded:
            for table, of_table in one.tables.items():
                rows.tables[table] += of_table
        return await self._load(rows)

    async def ask(self) -> None:
        """Ask the same question again and again until it is over: the answer is the right one, or refused."""
        while not self.over:
            try:
                async with self.process.portal() as portal:
                    while not self.over:
                        await self._ask_once(portal)
                        await asyncio.sleep(0.2)  # a bill costs a quarter of a second of a core
            except httpx.TransportError:
                await asyncio.sleep(0.1)

    async def compare(self, portal: AdminClient, facts: Sequence[Fact], position: int) -> bool:
        """Compare the bill of all until now, as known at a position, with the oracle's; False where it is refused."""
        rows = rows_of(self.loaded)
        until_ms = to_ms(datetime.now(UTC))  # whatever is loaded later happened then or later
        until = format_ms(from_ms(until_ms))
        self.question = {"group_by": GROUP_BY, "since": SINCE, "until": until, "known_at": position}
        bill = await self._bill(portal)
        if bill is None:
            return False
        self.right = oracle_bill(
            facts,
            rows,
            group_by=GROUP_BY,
            since_ms=to_ms(parse_instant(SINCE)),
            until_ms=until_ms,
            known_at=position,
        )
        usage = {name: bill["usage"][name] for name in self.right["usage"]}
        assert usage == self.right["usage"]
        for part in ("total", "lines", "late_lines", "coverage"):
            assert bill[part] == self.right[part], (part, position)
        return True

    async def _load(self, rows: GatewayRows) -> bool:
        try:
            await self.process.load(rows, self.scratch / str(next(self.folders)))
        except (AssertionError, httpx.HTTPError, OSError):
            return False  # refused, or there is nobody: nothing, a part or all of it may be there
        return True

    async def _ask_once(self, portal: AdminClient) -> None:
        question, right = self.question, self.right
        bill = None if question is None else await self._bill(portal)
        if bill is None or question is not self.question:
            return
        assert bill["total"] == right["total"]
        assert bill["lines"] == right["lines"]
        assert bill["late_lines"] == right["late_lines"]
        # Rows whose id has no instant are in every bill.
        shown, wanted = ([one for one in of["coverage"] if one["bucket"] != "bad_id"] for of in (bill, right))
        assert shown == wanted
        self.compared += 1

    async def _bill(self, portal: AdminClient) -> Bill | None:
        answer = await portal.http.get("/billing/usage", params=self.question)
        if answer.status_code == 503:
            assert answer.json()["detail"], answer.text
            self.refused += 1
            return None
        assert answer.status_code == 200, answer.text
        bill: Bill = answer.json()
        return bill
