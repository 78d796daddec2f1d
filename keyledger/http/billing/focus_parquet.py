"""Rows of FOCUS as a Parquet file, with the types of its specification: each value is what the CSV says in text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from keyledger.http.billing.focus_rows import COLUMNS
from registry.errors import FieldFault, FieldsRefused

PARQUET: Final = "application/vnd.apache.parquet"
# Digits after the point. A charge is a sum of exact products: of a cost (9) and a multiplier (18) at most.
_DECIMALS: Final = {
    **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), 27),
    **dict.fromkeys(("ConsumedQuantity", "PricingQuantity"), 0),
    "x_ProviderCostUsd": 9,
}
_DIGITS: Final = 38  # what most readers can hold
_INSTANTS: Final = ("BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart")
_COUNTS: Final = (
    "x_Inferences", "x_InputTokens", "x_OutputTokens", "x_CachedInputTokens", "x_CachedOutputTokens",
    "x_CacheReadTokens", "x_CacheWriteTokens", "x_UnpricedRows", "x_UnratedRows", "x_Position", "x_UsageAnchoredAt",
)  # fmt: skip


def to_focus_parquet(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """The file. Key-value columns are JSON in text, as FOCUS says. Raises FieldsRefused for what no column can hold."""
    import pyarrow as pa  # noqa: PLC0415 - large: the registry starts without it
    from pyarrow import parquet  # noqa: PLC0415 - as above

    types = {
        **{name: pa.decimal128(_DIGITS, decimals) for name, decimals in _DECIMALS.items()},
        **dict.fromkeys(_INSTANTS, pa.timestamp("ms", tz="UTC")),
        **dict.fromkeys(_COUNTS, pa.int64()),
    }
    held, columns = list(rows), {}
    for name in COLUMNS:
        try:
            columns[name] = pa.array([row[name] for row in held], types.get(name, pa.string()))
        except (pa.ArrowInvalid, OverflowError) as error:
            fault = FieldFault("Accept", f"asks for Parquet, which holds too few digits for a {name}: ask for CSV")
            raise FieldsRefused(fault) from error
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(columns), sink, compression="zstd")
    return bytes(sink.getvalue())
