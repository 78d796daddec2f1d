"""Made-up gateway rows are the same for the same seed, in the gateway's shapes, with every kind of trouble in them."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyledger.demo.gateway_rows import KEY_TAG, LARGE, SMALL, GatewayRows, KeyUse, generate, uuid7

SINCE, UNTIL = 1_772_323_200_000, 1_775_001_600_000  # March 2026
LIVING, ENDING = KeyUse("AAAAAAAAAAAA", SINCE), KeyUse("BBBBBBBBBBBB", SINCE, SINCE + 86_400_000)


@pytest.fixture(scope="module")
def rows() -> GatewayRows:
    return generate(7, (LIVING, ENDING), SINCE, UNTIL, 400)


def ms_of(identifier: str) -> int:
    return UUID(identifier).int >> 80


@given(at_ms=st.integers(0, 2**48 - 1), seed=st.integers())
def test_a_version_7_uuid_holds_its_millisecond_its_version_and_its_variant(at_ms: int, seed: int) -> None:
    made = uuid7(at_ms, random.Random(seed))
    assert (made.int >> 80, made.version, made.variant) == (at_ms, 7, "specified in RFC 4122")


def test_the_same_seed_gives_the_same_rows_and_another_seed_gives_others(rows: GatewayRows) -> None:
    assert generate(7, (LIVING, ENDING), SINCE, UNTIL, 400).tables == rows.tables
    assert generate(8, (LIVING, ENDING), SINCE, UNTIL, 400).tables != rows.tables


def test_every_row_has_just_the_columns_that_the_gateway_fills_itself(rows: GatewayRows) -> None:
    for table, made in rows.tables.items():
        assert made
        assert {frozenset(row) for row in made} == {columns_of(table)}, table


def columns_of(table: str) -> frozenset[str]:
    """The columns of the gateway's CREATE TABLE, without those that ClickHouse computes."""
    sql = (files("clickhouse") / "gateways" / "tensorzero" / "tables" / f"{table}.sql").read_text(encoding="utf-8")
    lines = [line for line in sql.splitlines() if line.startswith("    ") and "MATERIALIZED" not in line]
    return frozenset(match[1] for line in lines if (match := re.match(r" +([a-z_]+) ", line)))


def test_forty_inferences_hold_every_kind() -> None:
    tables = generate(1, (ENDING,), SINCE, UNTIL, 40).tables
    inferences = [*tables["ChatInference"], *tables["JsonInference"]]
    models = tables["ModelInference"]
    known, answered = {row["id"] for row in inferences}, {row["inference_id"] for row in models}
    keys = [row["tags"].get(KEY_TAG) for row in inferences]

    assert any(row["cached"] for row in models)
    assert any(row["cost"] is None for row in models)
    assert known - answered, "an inference without model rows"
    assert answered - known, "model rows without their inference"
    assert None in keys
    assert set(keys) - {None, ENDING.credential_id}, "a key that nobody has"
    assert max(Counter(row["id"] for row in inferences).values()) == 2
    assert max(Counter(row["id"] for row in models).values()) == 2
    assert {row["inference_id"] for row in tables["BatchIdByInferenceId"]} <= known
    assert any(UUID(row["id"]).version != 7 for row in inferences)
    assert any(ms_of(row["id"]) - ms_of(row["inference_id"]) > 3_600_000 for row in models), "written late"


def test_a_key_is_used_while_it_lives_and_for_one_second_more(rows: GatewayRows) -> None:
    inferences = [*rows.tables["ChatInference"], *rows.tables["JsonInference"]]
    used = [
        ms_of(r["id"]) for r in inferences if r["tags"].get(KEY_TAG) == "BBBBBBBBBBBB" and UUID(r["id"]).version == 7
    ]
    assert ENDING.until_ms is not None
    late = [at for at in used if at >= ENDING.until_ms]
    assert late
    assert max(late) < ENDING.until_ms + 1000
    assert min(used) >= SINCE


def test_a_cost_is_the_exact_product_with_nine_digits() -> None:
    rows = GatewayRows(random.Random(0))
    row = rows.model(UUID(int=0), SINCE, LARGE, 1001, 7)
    # 1001 x 0.000003 + 7 x 0.000015 = 0.003003 + 0.000105
    assert row["cost"] == "0.003108000"
    assert rows.model(UUID(int=0), SINCE, SMALL, 4000, 0, cached=True)["cost"] == "0.000000000"
    assert all(Decimal(r["cost"]).as_tuple().exponent == -9 for r in rows.tables["ModelInference"])


def test_no_tokens_are_stored_as_null_as_the_gateway_does() -> None:
    rows = GatewayRows(random.Random(0))
    row = rows.model(UUID(int=0), SINCE, SMALL, 10, 0)
    assert (row["input_tokens"], row["output_tokens"]) == (10, None)


def test_the_files_hold_the_rows_one_a_line(rows: GatewayRows, tmp_path: Path) -> None:
    for table, file in rows.write(tmp_path).items():
        assert file.name == f"{table}.jsonl"
        assert [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] == rows.tables[table]
