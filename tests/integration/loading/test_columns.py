"""A file's columns are the table's, to the letter, or it is refused: none is dropped, none is taken for another."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.gateway_files import ENDINGS, write_rows
from tests.support.loading import ID, MODEL_ROW, Loading, json_lines

CHAT_ROW = {"id": ID.format(1), "function_name": "answer", "tags": {"a": "b"}}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_rows_of_another_table_are_refused_and_their_columns_named(
    loading: Loading, tmp_path: Path, ending: str
) -> None:
    why = await loading.refused("ChatInference", write_rows(tmp_path / f"rows.{ending}", [MODEL_ROW]))
    for name in ("cost", "inference_id", "input_tokens", "model_name", "model_provider_name"):
        assert f"`{name}`" in why


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_name_in_another_case_is_another_name(loading: Loading, tmp_path: Path, ending: str) -> None:
    row = {{"cost": "COST", "input_tokens": "INPUT_TOKENS"}.get(name, name): one for name, one in MODEL_ROW.items()}
    why = await loading.refused("ModelInference", write_rows(tmp_path / f"rows.{ending}", [row]))
    assert "`COST`, `INPUT_TOKENS`" in why


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_column_that_every_row_must_have_is_missed(loading: Loading, tmp_path: Path, ending: str) -> None:
    row = {name: one for name, one in MODEL_ROW.items() if name != "model_name"}
    why = await loading.refused("ModelInference", write_rows(tmp_path / f"rows.{ending}", [row]))
    assert "model_name" in why


async def test_what_no_bill_reads_may_be_left_out(loading: Loading, tmp_path: Path) -> None:
    for ending in ENDINGS:
        assert await loading.load("ChatInference", write_rows(tmp_path / f"rows.{ending}", [CHAT_ROW])) == 1
    (row,) = await loading.world.select(
        "SELECT DISTINCT tags, input, ttft_ms, dynamic_tools FROM {gateway}.ChatInference"
    )
    assert row == ({"a": "b"}, "", None, [])


async def test_a_row_that_lacks_what_others_have_is_named(loading: Loading, tmp_path: Path) -> None:
    lacking = {name: one for name, one in MODEL_ROW.items() if name != "id"}
    nil = {**MODEL_ROW, "id": "00000000-0000-0000-0000-000000000000"}
    file = json_lines(tmp_path / "rows.jsonl", MODEL_ROW, lacking, nil)
    why = await loading.refused("ModelInference", file)
    assert "row 2: id is missing" in why
    assert "row 3: id is missing" in why


async def test_a_header_with_a_name_twice_or_none_at_all_is_refused(loading: Loading, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    for header, words in (("inference_id,inference_id", "`inference_id` twice"), ("", "names of the columns")):
        file.write_text(f"{header}\n" if header else "")
        assert words in await loading.refused("BatchIdByInferenceId", file)
    for missing in ("gone.csv", "gone.jsonl", "gone.parquet"):
        assert "No such file" in await loading.refused("BatchIdByInferenceId", tmp_path / missing)
