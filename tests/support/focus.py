"""Exports for FOCUS as tests read them: by other programs than the one that writes them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from keyledger.http.billing.focus_csv import to_focus_csv
from keyledger.http.billing.focus_parquet import to_focus_parquet
from keyledger.http.billing.focus_rows import FocusNames, focus_rows
from projections.billing.focus.report import FocusReport
from projections.billing.query import BillQuery

NAMES: Final = FocusNames("Keyledger", "customer_id", None)
Rows = list[dict[str, Any]]


def csv_of(made: FocusReport, query: BillQuery, names: FocusNames = NAMES) -> bytes:
    """The CSV."""
    return to_focus_csv(focus_rows(made, query, "log", names))


def parquet_of(made: FocusReport, query: BillQuery) -> bytes:
    """The Parquet file."""
    return to_focus_parquet(focus_rows(made, query, "log", NAMES))


def csv_rows(content: bytes) -> Rows:
    """The rows of a CSV."""
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def assert_same_rows(of_csv: Rows, parquet: bytes) -> None:
    """Every value of a Parquet file is the one of the CSV, to the last digit."""
    table = pq.read_table(pa.BufferReader(parquet))
    of_parquet: Rows = table.to_pylist()
    assert len(of_parquet) == len(of_csv)
    for text, value in zip(of_csv, of_parquet, strict=True):
        assert list(text) == list(value)
        assert text == {name: _as_in_csv(text[name], one) for name, one in value.items()}


def _as_in_csv(text: str, value: Any) -> str:
    """The text where it means the value, else what the value would be."""
    if isinstance(value, Decimal):
        return text if text and Decimal(text) == value else str(value)
    if isinstance(value, datetime):
        return text if text and datetime.fromisoformat(text) == value else value.isoformat()
    return "" if value is None else str(value)


def types_of(parquet: bytes) -> dict[str, str]:
    """The types of a file's columns."""
    return {field.name: str(field.type) for field in pq.read_schema(pa.BufferReader(parquet))}


def amounts(rows: Sequence[dict[str, Any]], name: str) -> list[Decimal]:
    """The numbers of a column, none for a null."""
    return [Decimal(row[name]) for row in rows if row[name] != ""]
