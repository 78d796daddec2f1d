"""The texts below `clickhouse/`, with names put into their `{{placeholders}}`. Values never are: they are bound."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources

from projections.errors import BadIdentifier

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class Names:
    """The databases: our own and the gateway's. Raises BadIdentifier for anything that would need quoting."""

    database: str = "keyledger"
    gateway: str = "tensorzero"

    def __post_init__(self) -> None:
        for name in (self.database, self.gateway):
            if not _IDENTIFIER.fullmatch(name):
                raise BadIdentifier


def sql(path: str, names: Names, **values: str) -> str:
    """The text of `clickhouse/<path>.sql` with its placeholders filled in.

    `{{database}}`, `{{gateway}}` and `{{at_ms}}` are known everywhere; the others are given.
    """
    known = {"database": names.database, "gateway": names.gateway, "at_ms": _text("queries/at_ms").strip(), **values}
    return _PLACEHOLDER.sub(lambda match: known[match.group(1)], _text(path))


def _text(path: str) -> str:
    return resources.files("clickhouse").joinpath(f"{path}.sql").read_text(encoding="utf-8")
