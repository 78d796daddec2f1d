"""The texts below `clickhouse/`, with names put into their `{{placeholders}}`. Values never are: they are bound."""

from __future__ import annotations

import re
from dataclasses import dataclass

from projections.errors import BadIdentifier
from registry import sql_files
from registry.sql_files import read_sql

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_PACKAGE = "clickhouse"
_EXPRESSIONS = ("at_ms", "inference_rank", "model_rank")


@dataclass(frozen=True)
class Names:
    """The databases, our own and the gateway's, and the cluster that they are on, if they are on one.

    Raises BadIdentifier for anything that would need quoting.
    """

    database: str = "keyledger"
    gateway: str = "tensorzero"
    cluster: str | None = None

    def __post_init__(self) -> None:
        for name in (self.database, self.gateway, self.cluster):
            if name is not None and not _IDENTIFIER.fullmatch(name):
                raise BadIdentifier

    @property
    def on_cluster(self) -> str:
        """What stands behind the name of an object that is made; nothing without a cluster."""
        return f" ON CLUSTER {self.cluster}" if self.cluster else ""


def sql(path: str, names: Names, **values: str) -> str:
    """The text of `clickhouse/<path>.sql` with its placeholders filled in."""
    return fill(read_sql(_PACKAGE, path), names, **values)


def fill(text: str, names: Names, **values: str) -> str:
    """A text with its placeholders filled in.

    `{{database}}`, `{{gateway}}`, `{{on_cluster}}` and `{{replicated}}` are known everywhere, and so are `{{at_ms}}`,
    `{{inference_rank}}` and `{{model_rank}}`, the expressions that every gateway's rows are read by; others are given.
    """
    known = {
        "database": names.database,
        "gateway": names.gateway,
        "on_cluster": names.on_cluster,
        # Path and replica name are the server's own: they hold the table's UUID, which one ON CLUSTER gives to all.
        "replicated": "Replicated" if names.cluster else "",
        **{name: read_sql(_PACKAGE, f"queries/usage/{name}").strip() for name in _EXPRESSIONS},
    }
    return sql_files.fill(text, **{**known, **values})
