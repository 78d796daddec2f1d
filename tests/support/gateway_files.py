"""Files of a gateway's rows, written as other programs would: by Python, not by the engine that reads them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

# Rows that a real gateway wrote (TensorZero 2026.4.1), exported with FORMAT JSONEachRow.
REAL: Final = Path(__file__).parents[1] / "golden" / "gateway_rows"
ENDINGS: Final = ("jsonl", "csv", "parquet")

_OF_TEXT: Final = pa.map_(pa.string(), pa.string())
_TYPES: Final = {
    "input_tokens": pa.uint32(),
    "output_tokens": pa.uint32(),
    "cached": pa.bool_(),
    "parallel_tool_calls": pa.bool_(),
    "cost": pa.decimal128(18, 9),
    "snapshot_hash": pa.binary(32),
    "tags": _OF_TEXT,
    "dynamic_tools": pa.list_(pa.string()),
    "dynamic_provider_tools": pa.list_(pa.string()),
}


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write the rows, which all have the same columns, in the format of the file's ending."""
    match path.suffix:
        case ".jsonl":
            path.write_text("".join(f"{_json(row)}\n" for row in rows), encoding="utf-8")
        case ".csv":
            lines = (",".join(_csv(row[name]) for name in rows[0]) + "\n" for row in rows)
            path.write_text(",".join(rows[0]) + "\n" + "".join(lines), encoding="utf-8", newline="")
        case _:
            columns = {name: _array(name, [row[name] for row in rows]) for name in rows[0]}
            pq.write_table(pa.table(columns), path)
    return path


def real_rows(table: str) -> list[dict[str, Any]]:
    """What the real gateway wrote into one of its tables. Numbers are exact."""
    text = gzip.decompress((REAL / f"{table}.jsonl.gz").read_bytes()).decode()
    return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]


def _json(row: Mapping[str, Any]) -> str:
    # A Decimal as a number with all its digits, which no float has.
    return "{" + ",".join(f"{json.dumps(name)}:{_json_value(value)}" for name, value in row.items()) + "}"


def _json_value(value: Any) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def _csv(value: Any) -> str:
    match value:
        case None:
            return "\\N"
        case bool() | int() | Decimal():
            return _json_value(value)
        case dict():
            pairs = (f"{_single(name)}:{_single(one)}" for name, one in value.items())
            return _double("{" + ",".join(pairs) + "}")
        case list():
            return _double("[" + ",".join(map(_single, value)) + "]")
        case _:
            return _double(value)


def _single(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _double(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _array(name: str, values: list[Any]) -> pa.Array:
    if name == "snapshot_hash":
        values = [None if one is None else one.to_bytes(32, "little") for one in values]
    if name == "tags":
        values = [list(one.items()) for one in values]
    if any(isinstance(one, str) for one in values):
        return pa.array(values, pa.string())
    return pa.array(values, _TYPES.get(name, pa.null() if all(one is None for one in values) else pa.uint32()))
