"""What is no value of its column is refused by row and column; everything else is taken exactly."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.gateway_files import write_rows
from tests.support.loading import ID, MODEL_ROW, Loading, json_lines

NO_MONEY = (
    "-",
    "+",
    ".",
    "e5",
    "1.2.3",
    "1e",
    f"0.{'1' * 31}",
    "1e-40",
    "0,5",
    "$0.5",
    "0.5 ",
    " 1",
    "0x1",
    "1_0",
    "nan",
)
TOO_MUCH_MONEY = ("1000000000", "-1000000000", "1e9", "0.1234567891")
NO_COUNT = ("10.7", "ten", "1,000", "-1", "4294967296", str(2**128 + 5), "2026-01-01", "1e10", "1e-1")
SHOWN = 5  # an error names so many


async def assert_each_is_refused(loading: Loading, files: dict[Path, list[tuple[str, str]]]) -> None:
    """Every row of every file is refused, with its number, its column and what it has there."""
    for file, wrong in files.items():
        why = await loading.refused("ModelInference", file)
        for number, (column, value) in enumerate(wrong, 1):
            assert f"row {number}: {column} " in why, value


def in_files(folder: Path, ending: str, wrong: list[tuple[str, str]]) -> dict[Path, list[tuple[str, str]]]:
    """Files with a wrong value in each row, as many as an error names."""
    parts = [wrong[first : first + SHOWN] for first in range(0, len(wrong), SHOWN)]
    good = {**MODEL_ROW, "input_tokens": "1", "output_tokens": "1"}
    rows = [[{**good, column: value} for column, value in part] for part in parts]
    return {
        write_rows(folder / f"{number}.{ending}", of_part): part
        for number, (of_part, part) in enumerate(zip(rows, parts, strict=True))
    }


@pytest.mark.parametrize("ending", ["csv", "parquet", pytest.param("jsonl", marks=pytest.mark.long)])
async def test_a_text_that_is_no_number_never_becomes_money_or_tokens(
    loading: Loading, tmp_path: Path, ending: str
) -> None:
    wrong = [("cost", one) for one in (*NO_MONEY, *TOO_MUCH_MONEY)] + [("output_tokens", one) for one in NO_COUNT]
    await assert_each_is_refused(loading, in_files(tmp_path, ending, wrong))


async def test_a_number_of_json_that_does_not_fit_is_refused(loading: Loading, tmp_path: Path) -> None:
    for column, number in (
        ("cost", "1.2.3"),
        ("cost", "-"),
        ("input_tokens", "10.7"),
        ("input_tokens", str(2**128 + 5)),
    ):
        others = json.dumps({name: one for name, one in MODEL_ROW.items() if name != column})
        file = json_lines(tmp_path / "rows.jsonl", MODEL_ROW, f'{others[:-1]},"{column}":{number}}}')
        why = await loading.refused("ModelInference", file)
        assert column in why, number
        assert "row 2" in why, number


async def test_an_empty_text_is_no_number_but_in_csv_where_it_is_none(loading: Loading, tmp_path: Path) -> None:
    for column in ("cost", "input_tokens", "cached", "finish_reason"):
        file = json_lines(tmp_path / "rows.jsonl", {**MODEL_ROW, column: ""})
        assert f"row 1: {column} " in await loading.refused("ModelInference", file)
    header = ",".join((*list(MODEL_ROW), "output_tokens"))
    ids = f"{ID.format(1)},{ID.format(2)},m,p"
    file = tmp_path / "rows.csv"
    file.write_text(f'{header}\n{ids},,"",\\N\n{ids},"","",""\n{ids},7,1.50,0\n\n\n')  # blank lines at the end, too
    assert await loading.load("ModelInference", file) == 3
    rows = await loading.world.select(
        "SELECT input_tokens, cost, output_tokens FROM {gateway}.ModelInference ORDER BY 1"
    )
    assert rows == [(7, Decimal("1.500000000"), 0), (None, None, None), (None, None, None)]


async def test_whole_floats_and_quarters_are_taken_exactly_in_every_format(loading: Loading, tmp_path: Path) -> None:
    """As pandas writes a column of counts that lacks one, and money that was computed."""
    floats = {"input_tokens": [10.0, 2.0, None], "cost": [0.25, 123456789.001953125, -2.0]}
    parquet = tmp_path / "rows.parquet"
    pq.write_table(model_table(3, floats), parquet)
    texts = [("10.0", "0.25"), ("2.0", "123456789.001953125"), (None, "-2.0")]
    rows = [
        {**MODEL_ROW, "id": ID.format(number), "input_tokens": tokens, "cost": cost}
        for number, (tokens, cost) in enumerate(texts, 1)
    ]
    jsonl = json_lines(tmp_path / "rows.jsonl", *rows)
    csv = tmp_path / "rows.csv"
    csv.write_text("\n".join([",".join(MODEL_ROW), *(",".join(one or "" for one in row.values()) for row in rows)]))
    digests = set()
    for file in (parquet, jsonl, csv):
        await loading.empty()
        assert await loading.load("ModelInference", file) == 3
        digests.add(await loading.digest("ModelInference"))
    assert len(digests) == 1
    assert sorted(await loading.values("cost")) == [Decimal(-2), Decimal("0.25"), Decimal("123456789.001953125")]


async def test_numbers_with_an_exponent_are_taken_exactly(loading: Loading, tmp_path: Path) -> None:
    """As Python writes a cost of a millionth."""
    costs = ("1e-9", "2.5E-07", "12.5e1", "-1e+0", "0e5", "100e-2")
    lines = (
        json.dumps({**MODEL_ROW, "id": ID.format(number), "input_tokens": "TOKENS", "cost": "COST"})
        .replace('"TOKENS"', "1e3")
        .replace('"COST"', cost)
        for number, cost in enumerate(costs, 1)
    )
    await loading.load("ModelInference", json_lines(tmp_path / "rows.jsonl", *lines))
    assert await loading.values("cost") == [Decimal(one) for one in costs]
    assert await loading.values("input_tokens") == [1000] * len(costs)


def model_table(rows: int, columns: dict[str, Any]) -> pa.Table:
    """A Parquet table of model rows with columns of other types."""
    ids = [ID.format(number) for number in range(1, rows + 1)]
    same = {name: [MODEL_ROW[name]] * rows for name in ("inference_id", "model_name", "model_provider_name")}
    return pa.table({"id": ids, **same, **columns})


@pytest.mark.parametrize(
    ("column", "values", "says"),
    [
        ("input_tokens", pa.array([1.0, 10.7]), "row 2: input_tokens is no whole number"),
        ("cost", pa.array([0.25, 0.1]), "row 2: cost is no exact number"),
        ("cost", pa.array([1.0, float("nan")]), "row 2: cost"),
        ("cost", pa.array([Decimal("1.5"), Decimal("0.0000000001")], pa.decimal128(38, 10)), "row 2: cost"),
        ("input_tokens", pa.array([None, date(2026, 1, 1)]), "row 2: input_tokens must not be of the type Date32"),
        ("input_tokens", pa.array([None, True]), "row 2: input_tokens must not be of the type Bool"),
        ("model_name", pa.array([b"m", b"\xff"]), "row 2: model_name is not UTF-8"),
        ("system", pa.array([None, 5]), "row 2: system must not be of the type Int64"),
    ],
    ids=["fraction", "tenth", "not-a-number", "fine-decimal", "date", "truth", "bytes", "number-as-text"],
)
async def test_a_parquet_value_of_another_type_is_taken_exactly_or_refused(
    loading: Loading, tmp_path: Path, column: str, values: pa.Array, says: str
) -> None:
    file = tmp_path / "rows.parquet"
    pq.write_table(model_table(2, {column: values}), file)
    assert says in await loading.refused("ModelInference", file)


async def test_a_parquet_column_without_a_value_is_null_whatever_its_type(loading: Loading, tmp_path: Path) -> None:
    """As pandas writes a column of None."""
    file = tmp_path / "rows.parquet"
    empty = {"cost": pa.nulls(1), "system": pa.nulls(1), "cached": pa.nulls(1), "finish_reason": pa.nulls(1, pa.int8())}
    pq.write_table(model_table(1, empty), file)
    assert await loading.load("ModelInference", file) == 1
    assert await loading.world.select("SELECT cost, system, cached, finish_reason FROM {gateway}.ModelInference") == [
        (None, None, False, None)
    ]
    nothing = {"tags": pa.nulls(1), "dynamic_tools": pa.array([[]], pa.list_(pa.null()))}
    pq.write_table(pa.table({"id": [ID.format(1)], "function_name": ["f"], **nothing}), file)
    assert await loading.load("ChatInference", file) == 1


async def test_a_tag_that_a_row_has_twice_is_refused_in_every_format(loading: Loading, tmp_path: Path) -> None:
    row = {"id": ID.format(1), "function_name": "f"}
    jsonl = json_lines(tmp_path / "rows.jsonl", f'{json.dumps(row)[:-1]},"tags":{{"a":"1","a":"2"}}}}')
    csv, parquet = tmp_path / "rows.csv", tmp_path / "rows.parquet"
    csv.write_text(f"id,function_name,tags\n{ID.format(1)},f,\"{{'a':'1','a':'2'}}\"\n")
    tags = pa.array([[("a", "1"), ("a", "2")]], pa.map_(pa.string(), pa.string()))
    pq.write_table(pa.table({"id": [ID.format(1)], "function_name": ["f"], "tags": tags}), parquet)
    for file in (jsonl, csv, parquet):
        assert "row 1: tags has a name twice" in await loading.refused("ChatInference", file)


async def test_a_csv_file_that_is_cut_off_inside_a_value_is_refused(loading: Loading, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(f'id,function_name,input\n{ID.format(1)},f,"all of it"\n{ID.format(1)},f,"half of')
    assert "double quotes is odd" in await loading.refused("ChatInference", file)


async def test_bytes_that_are_no_text_are_refused_in_files_of_text(loading: Loading, tmp_path: Path) -> None:
    line = json.dumps({**MODEL_ROW, "model_name": "??"}).encode().replace(b"??", b"\xff")
    file = tmp_path / "rows.jsonl"
    file.write_bytes(line)
    assert "row 1: model_name is not UTF-8" in await loading.refused("ModelInference", file)
