"""The SQL that reads a gateway's tables as rows of the journal: a template for each table, in the adapter's folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from projections.engine.templates import Names, sql

# The only place that names the gateway whose rows are read: see docs/add-a-gateway.md.
ADAPTER: Final = "gateways/tensorzero"
# Tables of one shape that share a template, which names them by `{{table}}`.
SHARED: Final[Mapping[str, str]] = {"ChatInference": "inference", "JsonInference": "inference"}
# How many rows of the journal a row of a table makes, where it is not one.
MADE_OF_ONE: Final[Mapping[str, int]] = {}


def rows_of(names: Names, table: str, of_parts: str) -> str:
    """The rows of a table for which the condition `of_parts` holds."""
    return sql(f"{ADAPTER}/rows/{SHARED.get(table, table)}", names, table=table, of_parts=of_parts)
