"""What an as-of bill takes by the usage journal, as ratios to the join of the gateway's tables without any tags.

    python -m bench.bill [--inferences 10000000] [--keys 100000] [--moved 0.01] [--runs 3] [--json]

Data is made in SQL in the embedded engine in the gateway's shapes: twelve months, a thousandth of the rows twice, one
in 20 cached, one inference in ten with a second model; keys used unevenly, with five tags from their creation, of which
the share `--moved` is moved to another customer twice. Prices by tier, for the bill with charges, are the last thing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.shared.gateway_rows import KEY, MONTH_MS, SINCE_MS, gateway_rows
from keyledger.runtime.garbage import collect_garbage_rarely
from projections.billing.bill import compute_bill
from projections.billing.limits import BillLimits
from projections.billing.query import BillQuery
from projections.engine import ddl
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.usage.journal.collecting import Collecting
from projections.usage.journal.lines import FIGURES
from projections.usage.journal.state import Journal
from registry.instant import from_ms

NAMES = Names()
MONTHS = 12
SPAN_MS = MONTHS * MONTH_MS
PERIOD = (from_ms(SINCE_MS), from_ms(SINCE_MS + SPAN_MS))
LAST_MONTH = (from_ms(SINCE_MS + SPAN_MS - MONTH_MS), PERIOD[1])
LAST_DAY = (from_ms(SINCE_MS + SPAN_MS - MONTH_MS // 31), PERIOD[1])
AIMS = {
    "bill_by_customer_id": 0.35,
    "bill_by_customer_id_and_model": 0.5,
    "bill_by_three_tags": 0.4,
    "bill_of_one_customers_month": 0.03,
    "bill_of_one_day": 0.05,
    "bill_with_charges_by_tier": 0.5,
}

# The floor: duplicates dropped (any of them), model rows summed per inference, joined, grouped by the credential.
REFERENCE = """
SELECT
    i.credential_id,
    count(),
    sum(m.input_tokens),
    sum(m.output_tokens),
    sum(m.cost)
FROM (
    SELECT
        id,
        any(tags['tensorzero::api_key_public_id']) AS credential_id
    FROM (
        SELECT id, tags FROM tensorzero.ChatInference
        UNION ALL
        SELECT id, tags FROM tensorzero.JsonInference
    )
    GROUP BY id
) AS i
LEFT JOIN (
    SELECT
        inference_id,
        sum(input_tokens) AS input_tokens,
        sum(output_tokens) AS output_tokens,
        sum(cost) AS cost
    FROM (
        SELECT
            id,
            any(m.inference_id) AS inference_id,
            any(m.input_tokens) AS input_tokens,
            any(m.output_tokens) AS output_tokens,
            any(m.cost) AS cost
        FROM tensorzero.ModelInference AS m
        GROUP BY id
    )
    GROUP BY inference_id
) AS m ON m.inference_id = i.id
GROUP BY i.credential_id
"""


# The same figures of the same entries, by key: what no as-of bill can undercut.
SAME_ENTRIES = f"""
SELECT
    credential_id,
    {", ".join(f"sum({name})" for name in FIGURES)},
    sum(fingerprint),
    sum(sign),
    max(at_ms)
FROM keyledger.usage_entry_v1
GROUP BY credential_id
"""


async def make(clickhouse: ClickHouse, inferences: int, keys: int, moved: float) -> None:
    """Fill the gateway's and the ledger's tables, and the journal."""
    await ddl.apply(clickhouse, NAMES, gateway_tables=True, durable=False)
    for statement in gateway_rows(inferences, keys, skewed=True, span_ms=SPAN_MS):
        await clickhouse.command(statement)
    await (await Collecting.begun(Journal(clickhouse, NAMES))).look()
    await make_ledger(clickhouse, keys, moved)


async def make_ledger(clickhouse: ClickHouse, keys: int, moved: float = 1.0) -> None:
    """Keys made in the month before, of which a share is moved twice within the months."""
    row = f"{KEY.format(n='number')}, {SINCE_MS} - {MONTH_MS} + number, number + 1"
    await clickhouse.command(
        f"INSERT INTO keyledger.key_life_v1 SELECT {row}, 'created', NULL, now() FROM numbers({keys})"
    )
    await clickhouse.command(
        f"INSERT INTO keyledger.key_credential_v1 SELECT {KEY.format(n='number')}, {row}, 'created', NULL, now() "
        f"FROM numbers({keys})"
    )
    await clickhouse.command(
        f"INSERT INTO keyledger.key_tag_change_v1 SELECT tag, {row}, "
        f"concat('value_', toString(cityHash64(number, tag) % if(tag = 'customer_id', 5000, 10))), now() "
        f"FROM numbers({keys}) ARRAY JOIN ['customer_id', 'env', 'team', 'tier', 'region'] AS tag"
    )
    await clickhouse.command(
        f"INSERT INTO keyledger.key_tag_change_v1 SELECT 'customer_id', {KEY.format(n='number')}, "
        f"{SINCE_MS} + cityHash64(number, move) % {SPAN_MS}, {keys} * move + number + 1, "
        f"concat('value_', toString(cityHash64(number, move, 2) % 5000)), now() "
        f"FROM numbers({keys}) ARRAY JOIN [1, 2] AS move WHERE cityHash64(number, 3) % 10000 < {round(moved * 10000)}"
    )


async def median_s(call: Callable[[], Awaitable[Any]], runs: int) -> float:
    """The median of some runs after one to warm up."""
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        await call()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


async def make_prices(clickhouse: ClickHouse) -> None:
    """A price of every model for each tier, and one for the rest."""
    tiers = ", ".join(f"('tier-{n}', map('tier', 'value_{n}'))" for n in range(10))
    await clickhouse.command(
        "INSERT INTO keyledger.price_change_v1 (price_id, position, effective_ms, kind, model, tags, currency, input, "
        f"output, per_inference, recorded_at) SELECT one.1, 1000000 + rowNumberInAllBlocks(), {SINCE_MS} - 1, 'set', "
        f"'*', one.2, 'EUR', 1.5, 6, 0.0001, now() FROM (SELECT arrayJoin([{tiers}, ('rest', map())]) AS one)"
    )


async def measure(clickhouse: ClickHouse, runs: int) -> tuple[dict[str, float], float]:
    """Seconds of each statement, and the GiB that bills take at most."""

    def bill(
        *group_by: str, period: tuple[datetime, datetime] = PERIOD, tags: tuple[tuple[str, str], ...] = ()
    ) -> Callable[[], Awaitable[Any]]:
        query = BillQuery(group_by, *period, tags=tags)
        return lambda: compute_bill(clickhouse, NAMES, query, 10**9, BillLimits(lines=2_000_000))

    forget_peak()
    seconds = await timed_each(
        {
            "bill_by_customer_id": bill("customer_id"),
            "bill_by_three_tags": bill("env", "tier", "region"),
            "bill_by_customer_id_and_model": bill("customer_id", "model"),
            "bill_of_one_customers_month": bill(period=LAST_MONTH, tags=(("customer_id", "value_7"),)),
            "bill_of_one_day": bill("customer_id", period=LAST_DAY),
        },
        runs,
    )
    await make_prices(clickhouse)
    seconds |= await timed_each({"bill_with_charges_by_tier": bill("tier")}, runs)
    bills_gib = peak_gib()
    floors: dict[str, Callable[[], Awaitable[Any]]] = {
        "entries_by_key": lambda: clickhouse.query(SAME_ENTRIES),
        "reference_by_key": lambda: clickhouse.query(REFERENCE),  # the last: it takes more memory than any bill
    }
    return seconds | await timed_each(floors, runs), bills_gib


async def timed_each(calls: Mapping[str, Callable[[], Awaitable[Any]]], runs: int) -> dict[str, float]:
    """The median seconds of each, printed as soon as they are known."""
    seconds = {}
    for name, call in calls.items():
        seconds[name] = await median_s(call, runs)
        print(f"{seconds[name]:8.2f} s  {name}", file=sys.stderr)
    return seconds


def forget_peak() -> None:
    """Begin to look for the process's greatest memory from now on: see proc(5), clear_refs."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_gib() -> float:
    """The greatest resident memory since then."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 2**20


async def main() -> None:
    """Make the data, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inferences", type=int, default=10_000_000)
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--moved", type=float, default=0.01, help="the share of keys that moves to other customers")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    collect_garbage_rarely()  # as the server does
    with tempfile.TemporaryDirectory(prefix="keyledger-bench-") as folder:
        clickhouse = ClickHouse(f"chdb://{folder}/clickhouse")
        try:
            await make(clickhouse, options.inferences, options.keys, options.moved)
            made_gib = peak_gib()
            seconds, bills_gib = await measure(clickhouse, options.runs)
        finally:
            await clickhouse.close()
    ratios = {name: seconds[name] / seconds["reference_by_key"] for name in AIMS}
    to_entries = seconds["bill_by_customer_id"] / seconds["entries_by_key"]
    if options.json:
        gib = {"made": made_gib, "bills": bills_gib}
        print(json.dumps({**vars(options), "seconds": seconds, "ratios": ratios, "to_entries": to_entries, "gib": gib}))
        return
    for name, ratio in ratios.items():
        print(f"{ratio:6.3f}  {name} / reference_by_key (aim {AIMS[name]})")
    print(f"{to_entries:6.3f}  bill_by_customer_id / entries_by_key (aim 1.6)")
    print(f"{made_gib:6.2f}  GiB at most while the data is made and collected")
    print(f"{bills_gib:6.2f}  GiB at most while bills are made")


if __name__ == "__main__":
    asyncio.run(main())
