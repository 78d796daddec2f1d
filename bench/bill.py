"""How much the as-of bill costs more than the same deduplicated join of the gateway's tables without any tags.

    python -m bench.bill [--inferences 10000000] [--keys 100000] [--runs 3] [--json]

Data is made in SQL in the embedded engine in the gateway's shapes: a thousandth of the rows twice, one in 20 cached,
keys with five tags at their creation and two moves to another customer within the month.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from bench.shared.gateway_rows import KEY, MONTH_MS, SINCE_MS, gateway_rows
from projections.billing.bill import compute_bill
from projections.billing.limits import BillLimits
from projections.billing.query import BillQuery
from projections.engine import ddl
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.usage.journal.collecting import Collecting
from projections.usage.journal.state import Journal

NAMES = Names()
PERIOD = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))

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


async def make(clickhouse: ClickHouse, inferences: int, keys: int) -> None:
    """Fill the gateway's and the ledger's tables."""
    await ddl.apply(clickhouse, NAMES, gateway_tables=True, durable=False)
    for statement in gateway_rows(inferences, keys):
        await clickhouse.command(statement)
    await (await Collecting.begun(Journal(clickhouse, NAMES))).look()
    await make_ledger(clickhouse, keys)


async def make_ledger(clickhouse: ClickHouse, keys: int) -> None:
    """Keys made in the month before, each moved twice within the month."""
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
        f"{SINCE_MS} + cityHash64(number, move) % {MONTH_MS}, {keys} * move + number + 1, "
        f"concat('value_', toString(cityHash64(number, move, 2) % 5000)), now() "
        f"FROM numbers({keys}) ARRAY JOIN [1, 2] AS move"
    )


async def median_s(call: Callable[[], Awaitable[Any]], runs: int) -> float:
    """The median of some runs after one to warm up."""
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        await call()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


async def measure(clickhouse: ClickHouse, runs: int) -> dict[str, float]:
    """Seconds of each statement."""

    def bill(*group_by: str, **more: Any) -> Callable[[], Awaitable[Any]]:
        query = BillQuery(group_by, more.pop("since", PERIOD[0]), PERIOD[1], **more)
        return lambda: compute_bill(clickhouse, NAMES, query, 10**9, BillLimits(lines=2_000_000))

    same_entries = (
        "SELECT credential_id, sum(inferences), sum(input_tokens), sum(output_tokens), sum(cost_usd) "
        "FROM keyledger.usage_entry_v1 GROUP BY credential_id"
    )
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "reference_by_key": lambda: clickhouse.query(REFERENCE),
        "entries_by_key": lambda: clickhouse.query(same_entries),
        "bill_by_customer_id": bill("customer_id"),
        "bill_by_three_tags": bill("env", "tier", "region"),
        "bill_by_customer_id_and_model": bill("customer_id", "model"),
        "bill_of_one_day": bill("customer_id", since=datetime(2026, 1, 31, tzinfo=UTC)),
    }
    seconds = {}
    for name, call in calls.items():
        seconds[name] = await median_s(call, runs)
        print(f"{seconds[name]:8.2f} s  {name}", file=sys.stderr)
    return seconds


async def main() -> None:
    """Make the data, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inferences", type=int, default=10_000_000)
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="keyledger-bench-") as folder:
        clickhouse = ClickHouse(f"chdb://{folder}/clickhouse")
        try:
            await make(clickhouse, options.inferences, options.keys)
            seconds = await measure(clickhouse, options.runs)
        finally:
            await clickhouse.close()
    ratio = seconds["bill_by_customer_id"] / seconds["reference_by_key"]
    result = {"inferences": options.inferences, "keys": options.keys, "seconds": seconds, "ratio": ratio}
    print(
        json.dumps(result) if options.json else f"as-of bill by customer_id / reference by key: {ratio:.2f} (aim 2.5)"
    )


if __name__ == "__main__":
    asyncio.run(main())
