"""The texts below `clickhouse/`, with names filled into their `{{placeholders}}`. Values are always bound."""

from __future__ import annotations

import re
from dataclasses import dataclass

from projections.errors import BadIdentifier
from registry import sql_files
from registry.sql_files import read_sql

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_PACKAGE = "clickhouse"
_EXPRESSIONS = ("at_ms", "inference_rank", "model_rank", "figures")


@dataclass(frozen=True)
class Names:
    """The databases, ours and the gateway's, and the cluster that they are on, if any.

    Raises BadIdentifier for any name that would need quoting.
    """

    database: str = "keyledger"
    gateway: str = "tensorzero"
    cluster: str | None = None
    journal_of: str | None = None

    def __post_init__(self) -> None:
        for name in (self.database, self.gateway, self.cluster, self.journal_of):
            if name is not None and not _IDENTIFIER.fullmatch(name):
                raise BadIdentifier

    @property
    def journal(self) -> str:
        """The database that the usage journal is in: that of the ledger but for a second ledger, which has none."""
        return self.journal_of or self.database

    @property
    def on_cluster(self) -> str:
        """The clause after the name in a CREATE statement; empty without a cluster."""
        return f" ON CLUSTER {self.cluster}" if self.cluster else ""


def sql(path: str, names: Names, **values: str) -> str:
    """The text of `clickhouse/<path>.sql` with its placeholders filled in."""
    return fill(read_sql(_PACKAGE, path), names, **values)


def fill(text: str, names: Names, **values: str) -> str:
    """The text with its placeholders filled in.

    `{{database}}`, `{{gateway}}`, `{{journal}}`, `{{on_cluster}}` and `{{replicated}}` are always known. So are
    `{{at_ms}}`, `{{inference_rank}}` and `{{model_rank}}`, the expressions that read every gateway's rows, and
    `{{figures}}`, what they sum to. Pass the others.
    """
    known = {
        "database": names.database,
        "gateway": names.gateway,
        "journal": names.journal,
        "on_cluster": names.on_cluster,
        # The server's defaults give the path and replica name: they hold the table's UUID, which ON CLUSTER makes the
        # same everywhere.
        "replicated": "Replicated" if names.cluster else "",
        **{name: read_sql(_PACKAGE, f"queries/usage/{name}").strip() for name in _EXPRESSIONS},
    }
    return sql_files.fill(text, **{**known, **values})
