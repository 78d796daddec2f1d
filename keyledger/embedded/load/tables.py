"""The gateway's tables that rows are loaded into, and what tells their rows apart: SQL about one table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from keyledger.embedded.load.errors import LoadError
from projections.engine.templates import Names, sql
from projections.usage.tables import TABLES

# What a row is known by, and the inference whose instant decides its period.
_IDS: Final = {
    "ChatInference": ("id", "id"),
    "JsonInference": ("id", "id"),
    "ModelInference": ("id", "inference_id"),
    "BatchIdByInferenceId": ("inference_id", "inference_id"),
}


def check_table(table: str) -> None:
    """Raise LoadError for a table that the gateway has not."""
    if table not in TABLES:
        raise LoadError(f"must be one of {', '.join(TABLES)}")


@dataclass(frozen=True, slots=True)
class Table:
    """One of the gateway's tables, and its columns."""

    names: Names
    name: str
    columns: tuple[str, ...]

    @property
    def target(self) -> str:
        """The table itself."""
        return f"{self.names.gateway}.{self.name}"

    def helper(self, of: str) -> str:
        """A table that is there during a load."""
        return f"{self.names.gateway}.loading_{of}_{self.name}"

    def sql(self, path: str, **values: str) -> str:
        """The template `queries/load/<path>` with the names of this table filled in."""
        id_, instant_id = _IDS[self.name]
        known = {
            "target": self.target,
            "table": self.name,
            "id": id_,
            "instant_id": instant_id,
            "digest": self.digest,
            "staged": self.helper("staged"),
            "rows": self.helper("rows"),
            "there": self.helper("there"),
        }
        return sql(f"queries/load/{path}", self.names, **{**known, **values})

    @property
    def digest(self) -> str:
        """SQL: a digest of all columns of a row. NULL and an empty text differ."""
        return f"sipHash128(tuple({', '.join(self.columns)}))"

    def is_one_of(self, rows: str) -> str:
        """SQL: whether a row is one of those of a SELECT of ids and digests. The digest is for rows of such an id."""
        id_, _ = _IDS[self.name]
        return f"{id_} IN (SELECT id FROM ({rows})) AND ({id_}, {self.digest}) IN ({rows})"  # noqa: S608 - our own SQL


def listed(columns: Iterable[str]) -> str:
    """Names of columns in SQL."""
    return ", ".join(columns)
