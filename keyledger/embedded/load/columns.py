"""The columns of a gateway's table, and the SQL that takes their values from a file: one rule for the three formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from keyledger.embedded.load.kinds import Kind, kind_of, plain_type
from projections.engine.client import ClickHouse
from projections.engine.templates import Names, sql

# What bills read, and neither a NULL nor the table's default stands for. The other columns may be missing.
_REQUIRED: Final = {
    "ChatInference": ("id", "function_name"),
    "JsonInference": ("id", "function_name"),
    "ModelInference": ("id", "inference_id", "model_name", "model_provider_name"),
    "BatchIdByInferenceId": ("inference_id", "batch_id"),
}
_NUMBERS: Final = ("UInt32", "UInt256", "Decimal(18, 9)")
_COLUMNS: Final = """
SELECT
    name,
    type
FROM system.columns
WHERE database = {database:String} AND table = {table:String} AND default_kind != 'MATERIALIZED'
ORDER BY position
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the gateway's table."""

    name: str
    type: str
    required: bool

    @property
    def plain(self) -> str:
        """The type without Nullable and LowCardinality."""
        return plain_type(self.type)

    @property
    def kind(self) -> Kind:
        """What its values must be."""
        return kind_of(self.plain)

    @property
    def nested(self) -> bool:
        """Whether a value is several texts: what the file has is read as the engine reads it."""
        return self.plain.startswith(("Map(", "Array("))

    @property
    def read_as(self) -> str:
        """The type that takes whatever a file of text has in this column."""
        return self.plain.replace("String)", "Nullable(String))") if self.nested else "Nullable(String)"

    @property
    def text(self) -> str:
        """The name of the column's text in a statement."""
        return f"text_of_{self.name}"

    @property
    def missing(self) -> str:
        """SQL: whether a value is missing that must be there."""
        if not self.required:
            return "false"
        nil = f" OR {self.text} = '00000000-0000-0000-0000-000000000000'" if self.plain == "UUID" else ""
        return f"(isNull({self.text}){nil})"

    @property
    def wrong(self) -> str:
        """SQL: whether there is a value, and it is none of the column's."""
        fault = f"({self.kind.fault.replace('{t}', self.text)})"
        return fault if self.nested else f"ifNull({fault}, false)"

    @property
    def value(self) -> str:
        """SQL: the value for the column."""
        value = self.kind.value.replace("{t}", self.text)
        if self.nested or self.plain == "UUID" or self.type.startswith("Nullable("):
            return value
        return f"ifNull({value}, {'false' if self.plain == 'Bool' else repr('')})"


async def columns_of(clickhouse: ClickHouse, gateway: str, table: str) -> dict[str, Column]:
    """The columns that a file of this table may have, by name."""
    rows = await clickhouse.query(_COLUMNS, {"database": gateway, "table": table})
    return {name: Column(name, type_, name in _REQUIRED[table]) for name, type_ in rows}


def text_of(column: Column, type_: str, names: Names, *, empty_is_null: bool) -> str | None:
    """SQL: a value of a file's column of this type as text; None where no value of such a column is one of ours.

    Maps and arrays stay what they are. With `empty_is_null` an empty text is no number, but the absence of one.
    """
    found, quoted = plain_type(type_), f"`{column.name}`"
    if column.nested:
        return quoted if type_ == column.read_as else None
    if found == "String":
        if column.type.startswith("Nullable(") and column.plain != "String" and empty_is_null:
            quoted = f"nullIf({quoted}, '')"
        return sql("queries/load/plain_number", names, number=quoted) if column.plain in _NUMBERS else quoted
    return _typed_as_text(column.plain, found, quoted, names)


def _typed_as_text(wanted: str, found: str, quoted: str, names: Names) -> str | None:
    """The same for a type that is no text: a Parquet file has them."""
    whole = found.startswith(("Int", "UInt"))
    if wanted in _NUMBERS and found.startswith("Float"):
        return sql("queries/load/float_as_text", names, column=quoted)
    if wanted in _NUMBERS and (whole or found.startswith("Decimal")):
        return f"toString({quoted})"
    if (wanted, found) == ("UInt256", "FixedString(32)"):
        return f"toString(reinterpretAsUInt256({quoted}))"
    if (wanted, found) == ("UUID", "FixedString(16)"):
        return sql("queries/load/uuid_of_bytes", names, column=quoted)
    if (wanted, found) == ("UUID", "UUID") or (wanted == "Bool" and (found == "Bool" or whole)):
        return f"toString({quoted})"
    return None
