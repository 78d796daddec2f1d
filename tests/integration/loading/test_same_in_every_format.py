"""The same rows are the same, whichever format they come in: one fingerprint, and the sums of their figures."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.bill_world import GATEWAY, instant, uuid7
from tests.support.gateway_files import ENDINGS, real_rows, write_rows
from tests.support.loading import Loading

SINCE = instant("2026-01-01T00:00:00")
YEAR_MS = 365 * 86_400_000
TEXT = st.text(max_size=12)
TOKENS = st.none() | st.integers(0, 2**32 - 1)
FINISHED = st.sampled_from([None, "stop", "length", "tool_call", "content_filter", "unknown", "stop_sequence"])
IDS = st.builds(lambda ms, serial: str(uuid7(SINCE + ms, serial)), st.integers(0, YEAR_MS - 1), st.integers(0, 2**61))
ANY_ID = IDS | st.integers(1, 2**128 - 1).map(lambda number: str(UUID(int=number)))
MODEL_ROWS = st.fixed_dictionaries(
    {
        "id": ANY_ID,
        "inference_id": ANY_ID,
        "model_name": TEXT,
        "model_provider_name": TEXT,
        "input_tokens": TOKENS,
        "output_tokens": TOKENS,
        "system": st.none() | TEXT,
        "cached": st.booleans(),
        "finish_reason": FINISHED,
        "snapshot_hash": st.none() | st.integers(0, 2**256 - 1),
        "cost": st.none() | st.integers(1 - 10**18, 10**18 - 1).map(lambda number: Decimal(number).scaleb(-9)),
    }
)
CHAT_ROWS = st.fixed_dictionaries(
    {
        "id": ANY_ID,
        "function_name": TEXT,
        "input": TEXT,
        "tags": st.dictionaries(TEXT, TEXT, max_size=3),
        "dynamic_tools": st.lists(TEXT, max_size=2),
        "tool_choice": st.none() | TEXT,
        "parallel_tool_calls": st.none() | st.booleans(),
    }
)


async def fingerprints(loading: Loading, folder: Path, tables: dict[str, list[dict[str, Any]]]) -> set[tuple[Any, ...]]:
    """Of each format: the bill's fingerprint, and a digest of each table with all that it holds."""
    found = set()
    for ending in ENDINGS:
        await loading.empty(*tables)
        for table, rows in tables.items():
            assert await loading.load(table, write_rows(folder / f"{table}.{ending}", rows)) == len(rows)
        bill = await loading.world.bill()
        found.add((bill["usage"]["fingerprint"], *[await loading.digest(table) for table in tables]))
    return found


async def test_any_rows_have_one_fingerprint_in_every_format(loading: Loading, tmp_path: Path) -> None:
    drawn: list[tuple[list[dict[str, Any]], list[dict[str, Any]]]] = []

    @settings(max_examples=10, database=None, derandomize=True)
    @given(st.lists(CHAT_ROWS, min_size=6, max_size=12), st.lists(MODEL_ROWS, min_size=6, max_size=12))
    def draw(chats: list[dict[str, Any]], models: list[dict[str, Any]]) -> None:
        drawn.append((chats, models))

    draw()
    tables = {"ChatInference": flat(one for one, _ in drawn), "ModelInference": flat(one for _, one in drawn)}
    assert len(tables["ModelInference"]) >= 60
    assert len(await fingerprints(loading, tmp_path, tables)) == 1


def flat(parts: Any) -> list[dict[str, Any]]:
    """The rows of all examples."""
    return [row for part in parts for row in part]


async def test_the_rows_of_a_real_gateway_are_billed_alike_in_every_format(loading: Loading, tmp_path: Path) -> None:
    tables = {table: real_rows(table) for table in GATEWAY}
    assert len(await fingerprints(loading, tmp_path, tables)) == 1
    bill = await loading.world.bill()
    assert {name: total(bill["coverage"], name) for name in SUMS} == sums(tables["ModelInference"])
    assert bill["usage"]["rows"] == sum(
        len(ids(rows))
        for table, rows in tables.items()
        if table in ("ChatInference", "JsonInference", "ModelInference")
    )


SUMS = ("input_tokens", "output_tokens", "cached_input_tokens", "cached_output_tokens", "unpriced", "cost_usd")


def ids(rows: Sequence[dict[str, Any]]) -> set[str]:
    """Rows that were written twice count once."""
    return {row["id"] for row in rows}


def sums(rows: Sequence[dict[str, Any]]) -> dict[str, Decimal]:
    """A few lines of Python over the file itself."""
    once = {row["id"]: row for row in rows}.values()
    fresh, cached = [row for row in once if not row["cached"]], [row for row in once if row["cached"]]
    return {
        "input_tokens": sum((Decimal(row["input_tokens"] or 0) for row in fresh), Decimal(0)),
        "output_tokens": sum((Decimal(row["output_tokens"] or 0) for row in fresh), Decimal(0)),
        "cached_input_tokens": sum((Decimal(row["input_tokens"] or 0) for row in cached), Decimal(0)),
        "cached_output_tokens": sum((Decimal(row["output_tokens"] or 0) for row in cached), Decimal(0)),
        "unpriced": Decimal(sum(row["cost"] is None for row in once)),
        "cost_usd": sum((Decimal(row["cost"] or 0) for row in once), Decimal(0)),
    }


def total(coverage: Sequence[dict[str, Any]], name: str) -> Decimal:
    """Over all buckets: nothing is hidden."""
    return sum((Decimal(bucket[name] or 0) for bucket in coverage), Decimal(0))
