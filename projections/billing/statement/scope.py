"""Where a statement of a bill gets its bounds from, and where it reads what holds when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from projections.engine.templates import Names, sql


@dataclass(frozen=True)
class Scope:
    """Where a statement gets its bounds from: bound parameters of a query, or expressions over a view's parameters.

    Entries are those of the batches after `after_batch` up to `batch`. `tag_changes` and `price_changes` are where it
    reads what holds when: the ledger's tables where none are given. `values` are what these texts bind.
    """

    names: Names
    position: str = "{position:UInt64}"
    since_ms: str = "{since_ms:Int64}"
    until_ms: str = "{until_ms:Int64}"
    batch: str = "{batch:UInt64}"
    given_up: str = "{given_up:Array(UInt64)}"
    after_batch: str = "0"
    tag_changes: str | None = None
    price_changes: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    def sql(self, path: str, **values: str) -> str:
        """The template `clickhouse/queries/<path>.sql` with the bounds and the given texts filled in."""
        bounds = {
            "position": self.position,
            "since_ms": self.since_ms,
            "until_ms": self.until_ms,
            "batch": self.batch,
            "given_up": self.given_up,
            "after_batch": self.after_batch,
            "tag_changes": self.tag_changes or f"{self.names.database}.key_tag_change_v1",
            "standing": sql("queries/bill/standing", self.names, position=self.position),
            "price_changes": self.price_changes or f"{self.names.database}.price_change_v1",
        }
        return sql(
            f"queries/{path}", self.names, **bounds, **values
        )  # ends with a newline: its last line may be a comment


def view_scope(names: Names, position: str, since_ms: str, until_ms: str) -> Scope:
    """The bounds of a view: all of the journal that counts."""
    given_up = f"(SELECT batch FROM {names.journal}.usage_attempt_v1 WHERE given_up)"  # noqa: S608 - a checked identifier
    batch = f"(SELECT max(batch) FROM {names.journal}.usage_batch_v1 WHERE batch NOT IN {given_up})"  # noqa: S608 - as above
    return Scope(names, position, since_ms, until_ms, batch, given_up)
