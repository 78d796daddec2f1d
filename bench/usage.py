"""What the collector takes: a first run over the gateway's tables, the lag under load, and bytes per row.

    python -m bench.usage [--inferences 2000000] [--rate 1000] [--seconds 30] [--json]

The reference of the first run is an INSERT SELECT of the same columns of the gateway's tables in the same run. For the
lag, inferences come at a rate in two inserts a second, while the collector looks twice a second; the lag of an insert
is the time until a batch counts that has it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from typing import Any

from bench.bill import NAMES
from bench.shared.gateway_rows import gateway_rows
from projections.engine import ddl
from projections.engine.client import ClickHouse
from projections.usage.journal.collecting import Collecting, Pace
from projections.usage.journal.state import Journal

_TABLES = {
    "ChatInference": "id, function_name, tags",
    "JsonInference": "id, function_name, tags",
    "ModelInference": "id, inference_id, model_name, model_provider_name, input_tokens, output_tokens, cached, cost, "
    "provider_cache_read_input_tokens, provider_cache_write_input_tokens",
}


async def first_run(clickhouse: ClickHouse, inferences: int) -> dict[str, float]:
    """Rows a second of a first run, of the reference, and bytes per row of both sides."""
    for statement in gateway_rows(inferences, 100_000, skewed=True):
        await clickhouse.command(statement)
    rows = sum([await _count(clickhouse, f"tensorzero.{table}") for table in _TABLES])
    began = time.perf_counter()
    for table, columns in _TABLES.items():
        made = f"CREATE TABLE keyledger.copy_{table} ENGINE = MergeTree ORDER BY tuple()"
        await clickhouse.command(f"{made} AS SELECT {columns} FROM tensorzero.{table}")
    reference_s = time.perf_counter() - began
    for table in _TABLES:
        await clickhouse.command(f"DROP TABLE keyledger.copy_{table} SYNC")
    began = time.perf_counter()
    await (await Collecting.begun(Journal(clickhouse, NAMES))).look()
    collecting_s = time.perf_counter() - began
    sizes = await clickhouse.query(
        "SELECT sumIf(bytes_on_disk, database = 'tensorzero'), sumIf(bytes_on_disk, table = 'usage_row_v1'), "
        "sumIf(bytes_on_disk, table = 'usage_entry_v1') FROM system.parts WHERE active"
    )
    raw, copied, entered = sizes[0]
    return {
        "rows": rows,
        "rows_per_s": rows / collecting_s,
        "reference_rows_per_s": rows / reference_s,
        "ratio": reference_s / collecting_s,
        "raw_bytes_per_row": raw / rows,
        "copied_bytes_per_row": copied / rows,
        "entry_bytes_per_row": entered / rows,
    }


async def lag(clickhouse: ClickHouse, rate: int, seconds: int) -> dict[str, float]:
    """Seconds from an insert until a batch has it, at a rate of inferences a second."""
    collecting = await Collecting.begun(Journal(clickhouse, NAMES))
    lags: list[float] = []
    waiting: list[float] = []
    ended = False

    async def collect() -> None:
        while not ended or waiting:
            seen = list(waiting)
            await collecting.look()
            now = time.perf_counter()
            lags.extend(now - at for at in seen)
            del waiting[: len(seen)]
            await asyncio.sleep(Pace().poll_s)

    collector = asyncio.create_task(collect())
    half = rate // 2
    for number in range(seconds * 2):
        due = time.perf_counter() + 0.5
        for table, columns, row in _load(number, half):
            await clickhouse.command(f"INSERT INTO tensorzero.{table} ({columns}) {row}")
        waiting.append(time.perf_counter())
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
    ended = True
    await collector
    return {"inserts": len(lags), "median_s": statistics.median(lags), "p99_s": statistics.quantiles(lags, n=100)[98]}


def _load(number: int, rows: int) -> list[tuple[str, str, str]]:
    """A model and an inference row for each of so many inferences, whose ids are of now."""
    low = f"bitOr(bitShiftLeft(toUInt64(1), 63), toUInt64({number * rows} + number))"
    high = "bitOr(bitShiftLeft(toUInt64(toUnixTimestamp64Milli(now64(3))), 16), toUInt64(28672))"
    id_ = f"reinterpretAsUUID(bitOr(bitShiftLeft(toUInt128({low}), 64), toUInt128({high})))"
    key = "leftPad(toString(number % 1000), 12, 'K')"
    chat = f"SELECT {id_}, 'answer', generateUUIDv4(), map('tensorzero::api_key_public_id', {key}) FROM numbers({rows})"
    model = f"SELECT generateUUIDv7(), {id_}, 'model', 'provider', 10, 5, false, 0.001 FROM numbers({rows})"
    columns = "id, inference_id, model_name, model_provider_name, input_tokens, output_tokens, cached, cost"
    return [("ModelInference", columns, model), ("ChatInference", "id, function_name, episode_id, tags", chat)]


async def _count(clickhouse: ClickHouse, table: str) -> int:
    ((rows,),) = await clickhouse.query(f"SELECT count() FROM {table}")
    return int(rows)


async def main() -> None:
    """Make the data, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inferences", type=int, default=2_000_000)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="keyledger-bench-") as folder:
        clickhouse = ClickHouse(f"chdb://{folder}/clickhouse")
        try:
            await ddl.apply(clickhouse, NAMES, gateway_tables=True, durable=True)
            first = await first_run(clickhouse, options.inferences)
            late = await lag(clickhouse, options.rate, options.seconds)
        finally:
            await clickhouse.close()
    result: dict[str, Any] = {"first_run": first, "lag": late}
    if options.json:
        print(json.dumps(result))
        return
    print(f"{first['rows_per_s']:10.0f} rows/s collected in a first run of {first['rows']:.0f} rows (aim 100,000)")
    print(f"{first['ratio']:10.2f} of INSERT SELECT of the same columns (aim 0.2)")
    print(
        f"{first['copied_bytes_per_row']:10.0f} bytes a row copied, {first['entry_bytes_per_row']:.0f} entered; "
        f"the gateway's have {first['raw_bytes_per_row']:.0f} here, without any prompts"
    )
    print(f"{late['p99_s']:10.2f} s lag at the 99th percentile, median {late['median_s']:.2f} (aim 2)")


if __name__ == "__main__":
    asyncio.run(main())
