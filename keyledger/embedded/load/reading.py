"""The statements that read a file: all values at once, or, where one is wrong, the rows and columns that are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from keyledger.embedded.load.columns import Column, text_of
from keyledger.embedded.load.errors import LoadError
from keyledger.embedded.load.kinds import plain_type
from keyledger.embedded.load.source import SETTINGS, Source
from projections.engine.client import ClickHouse
from projections.engine.templates import Names

_SHOWN: Final = 5
# In the file's order, so that rows can be counted.
_IN_ORDER: Final[Mapping[str, str | int]] = {
    **SETTINGS,
    "max_threads": 1,
    "input_format_parallel_parsing": 0,
    "input_format_parquet_preserve_order": 1,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """How the columns of a file become those of a table."""

    source: Source
    columns: Mapping[str, Column]
    names: Names

    def values(self) -> str:
        """The SELECT of the values, in the order of `columns`, which fails at the first one that is wrong."""
        faults = [fault for one in self._read for fault in (one.missing, self._wrong(one)) if fault != "false"]
        return (
            f"SELECT {', '.join(one.value for one in self._read)} FROM ({self._texts()}) "  # noqa: S608 - our own SQL
            f"WHERE NOT throwIf({' OR '.join(faults)}, 'a value is wrong')"
        )

    @property
    def filled(self) -> list[str]:
        """The names of the columns that `values` fills."""
        return [one.name for one in self._read]

    async def explain(self, clickhouse: ClickHouse) -> None:
        """Raise LoadError that names the first wrong values by row and column, if there are any."""
        found = ", ".join(
            f"({one.missing}, {self._wrong(one)}, '{one.name}', {self._shown(one)})" for one in self._read
        )
        sql = (
            f"SELECT row, wrong FROM (SELECT row, arrayFilter(one -> one.1 OR one.2, [{found}]) AS wrong "  # noqa: S608 - as above
            f"FROM ({self._texts('rowNumberInAllBlocks() + 1 AS row')})) WHERE notEmpty(wrong) LIMIT {_SHOWN + 1}"
        )
        rows = await clickhouse.query(sql, settings=_IN_ORDER)
        faults = [
            f"row {row}: {name} {'is missing' if is_missing else self._words(name)}{_quoted(shown)}"
            for row, wrong in rows
            for is_missing, _, name, shown in wrong
        ]
        if faults:
            more = "; and more" if len(faults) > _SHOWN else ""
            raise LoadError(f"{'; '.join(faults[:_SHOWN])}{more}")

    @property
    def _read(self) -> list[Column]:
        return [one for name, one in self.columns.items() if name in self.source.types]

    def _text(self, column: Column) -> str | None:
        type_ = self.source.types[column.name]
        return text_of(column, type_, self.names, empty_is_null=self.source.is_csv)

    def _texts(self, *others: str) -> str:
        texts = (f"{self._text(one) or self._nothing(one)} AS {one.text}" for one in self._read)
        return f"SELECT {', '.join([*others, *texts])} FROM {self.source.table_function}"  # noqa: S608 - as above

    def _nothing(self, column: Column) -> str:
        """A column of a type that holds no value of ours may be there as long as it holds none at all."""
        empty = "NULL" if not column.nested else "[]" if column.plain.startswith("Array") else "map()"
        return f"`{column.name}` AS raw_{column.name}, CAST({empty}, '{column.read_as}')"

    def _wrong(self, column: Column) -> str:
        if self._text(column) is not None:
            return column.wrong
        is_nested = self.source.types[column.name].startswith(("Map(", "Array("))
        return f"notEmpty(raw_{column.name})" if is_nested else f"isNotNull(raw_{column.name})"

    def _words(self, name: str) -> str:
        column, type_ = self.columns[name], self.source.types[name]
        return column.kind.words if self._text(column) else f"must not be of the type {_in_short(type_)}"

    def _shown(self, column: Column) -> str:
        if self._text(column) is None or not column.kind.shown:
            return "''"
        return f"substring(toString(ifNull({column.text}, '')), 1, 40)"


def _quoted(shown: str) -> str:
    return f": {json.dumps(shown, ensure_ascii=False)}" if shown else ""


def _in_short(type_: str) -> str:
    return " ".join(plain_type(type_).split())[:60]
