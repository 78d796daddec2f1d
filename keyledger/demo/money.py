"""The demo's second part: prices by tier, a late row, a correction, and the bill as it was known before both."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from keyledger.cli.finance.charges import charges_of
from keyledger.cli.printing.tables import print_table
from keyledger.client import AsyncClient, Call
from keyledger.client.calls import compare_bills, edit_key, set_price, show_bill
from keyledger.client.model.bills import Bill
from keyledger.demo.gateway_rows import LARGE, SELF_HOSTED, GatewayRows
from keyledger.demo.telling import console, head, load, step
from registry.instant import parse_instant, to_ms

# How often the demo's registry anchors usage, so that nobody waits for it.
ANCHOR_S: Final = 0.2
_PATIENCE_S: Final = 60.0
_BY: Final = ("customer_id", "billing_tier")
_PRICES: Final[dict[str, dict[str, Any]]] = {
    f"{SELF_HOSTED.name}-{tier}": {
        "model": SELF_HOSTED.name,
        "tags": {"billing_tier": tier},
        "currency": "EUR",
        "per_million": {"input": input_, "output": output},
    }
    for tier, input_, output in (("gold", "0.15", "0.60"), ("silver", "0.20", "0.80"))
} | {"margin": {"model": "*", "currency": "USD", "cost_multiplier": "1.10"}}


@dataclass(frozen=True, slots=True)
class Known:
    """What a bill is pinned to: positions of the log, of its events and of its usage."""

    known_at: int
    usage_known_at: int


@dataclass(frozen=True, slots=True)
class Used:
    """What the first part left: the period that was billed, a key that was used, and one that moved, and when."""

    since: str
    until: str
    used: str
    moved: str
    moved_at: str

    def bill(self, group_by: Sequence[str] = _BY, **more: int | None) -> Call[Bill]:
        """The bill of the period, by customer and tier."""
        return show_bill(group_by=group_by, since=self.since, until=self.until).asking(**more)

    def bill_of_before(self, known: Known) -> Call[Bill]:
        """The same as it was known then."""
        return self.bill(known_at=known.known_at, usage_known_at=known.usage_known_at)


async def money(portal: AsyncClient, folder: Path, used: Used) -> Known:
    """Prices, what comes late, what was wrong, and the bill of before. Returns what that one is pinned to."""
    await _prices(portal, used)
    known, before = await _bill_of_before(portal, used)
    await _late_row(portal, folder, used, known)
    await _correction(portal, used)
    step("The same question as it was known before: a bill that was sent can be made again at any time")
    pinned = await portal.answer(used.bill_of_before(known))
    if pinned.reply.content != before:
        raise SystemExit("keyledger: the bill as it was known before is another one now: this is a defect, report it")
    console.print(f"    {len(before)} bytes, every one as before the late row and the correction")
    return known


async def _prices(portal: AsyncClient, used: Used) -> None:
    step("The model on our own machines has no cost: the price book charges it by tier, the others at cost and a tenth")
    for price_id, price in _PRICES.items():
        await portal.send(set_price(price_id, **price, effective_at=used.since, reason="price list of the demo"))
    question = used.bill(["billing_tier", "model"], wait_for=await head(portal))
    bill = await portal.send(question.as_json())
    numbers = ("inferences", "input_tokens", "output_tokens", "cost_usd", "charges", "unrated")
    lines = [[*line["by"].values(), *_cells(line, numbers)] for line in bill["lines"]]
    total = ["total", "", *_cells(bill["total"], numbers)]
    print_table([*bill["group_by"], *numbers], lines, right=numbers, total=total)


async def _bill_of_before(portal: AsyncClient, used: Used) -> tuple[Known, bytes]:
    """What pins the bill as it is now, once all of its usage is anchored in the log, and that bill."""
    step("The log anchors what usage there is: what a bill said can be proved from here on")
    deadline = time.monotonic() + _PATIENCE_S
    while (bill := await portal.send(used.bill(wait_for=await head(portal)))).usage.anchored_at is None:
        if time.monotonic() > deadline:
            raise SystemExit("keyledger: the usage was not anchored: run `keyledger status` on the folder to see why")
        await asyncio.sleep(ANCHOR_S)
    known = Known(bill.position, bill.usage.anchored_at)
    console.print(f"    the bill is of position {known.known_at}, its usage is anchored at {known.usage_known_at}")
    return known, (await portal.answer(used.bill_of_before(known))).reply.content


async def _late_row(portal: AsyncClient, folder: Path, used: Used, known: Known) -> None:
    step("A row comes late: one gateway process was cut off, and writes an inference of that period only now")
    rows, at_ms = GatewayRows(random.Random(11)), to_ms(parse_instant(used.moved_at))  # noqa: S311 - made-up data
    late = rows.chat(at_ms, used.used)
    for model in (LARGE, SELF_HOSTED):
        rows.model(late, at_ms + 900, model, 90_000, 4_000)
    await load(folder, rows, "late-rows")
    now, base = used.bill(wait_for=await head(portal)), known.usage_known_at
    compared = compare_bills(now, base_known_at=known.known_at, base_usage_known_at=base)
    _print_changes(await portal.send(compared.as_json()))


async def _correction(portal: AsyncClient, used: Used) -> None:
    step("A correction: the key that moved should have had globex's tier, silver, from the move on")
    tags, ticket = {"billing_tier": "silver"}, "ticket 4712: globex has silver"
    edited = await portal.send(edit_key(used.moved, tags=tags, reason=ticket, effective_at=used.moved_at))
    now = used.bill(wait_for=await head(portal))
    _print_changes(await portal.send(compare_bills(now, base_known_at=edited.position - 1).as_json()))


def _print_changes(made: dict[str, Any]) -> None:
    """The money of both bills, and by how much it differs, where it does."""
    columns = ("cost_usd before", "now", "charges before", "now", "charges differ by")
    lines = [[*line["by"].values(), *_changes(line)] for line in made["lines"] if line["base"] != line["current"]]
    print_table([*_BY, *columns], lines, right=columns, total=["total", "", *_changes(made["total"])])


def _changes(line: dict[str, Any]) -> list[Any]:
    sides = [line[side] or {"cost_usd": None, "charges": []} for side in ("base", "current")]
    money_of = [[side["cost_usd"] for side in sides], [charges_of(side["charges"]) for side in sides]]
    return [*money_of[0], *money_of[1], charges_of(line["difference"]["charges"])]


def _cells(figures: dict[str, Any], names: tuple[str, ...]) -> list[Any]:
    return [charges_of(figures[name]) if name == "charges" else figures[name] for name in names]
