"""Applies the objects below `clickhouse/`: reads each `.sql` file, puts the database names in, runs them in order.

Every statement may be repeated: tables are made when missing and never altered, all else is replaced.
A cluster (ON CLUSTER, Replicated engines) would be two more placeholders of `_substitute`, beside `durability`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources

from projections.clickhouse import ClickHouse
from projections.errors import BadIdentifier

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")

# Embedded, nobody else has a copy: rows below a position that survived a power cut must have survived it too.
_DURABLE = "SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"

_TABLES = (
    "tables/key_tag_change_v1",
    "tables/key_life_v1",
    "tables/key_credential_v1",
    "tables/event_applied_v1",
    "tables/applied_checkpoint_v1",
)
_GATEWAY_TABLES = (
    "gateways/tensorzero/tables/ChatInference",
    "gateways/tensorzero/tables/JsonInference",
    "gateways/tensorzero/tables/ModelInference",
    "gateways/tensorzero/tables/BatchIdByInferenceId",
)
# Each after those it reads.
_VIEWS = (
    "gateways/tensorzero/views/inference_row",
    "gateways/tensorzero/views/model_row",
    "gateways/tensorzero/views/batch_inference",
    "views/model_usage_between",
    "views/applied_position",
    "views/event_applied",
    "views/key_tag_change",
    "views/key_life",
    "views/key_credential",
)
_DICTIONARIES: tuple[str, ...] = ()
_FUNCTIONS: tuple[str, ...] = ()


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
    """The text of `clickhouse/<path>.sql` with `{{database}}`, `{{gateway}}` and the given placeholders filled in."""
    text = resources.files("clickhouse").joinpath(f"{path}.sql").read_text(encoding="utf-8")
    known = {"database": names.database, "gateway": names.gateway, **values}
    return _PLACEHOLDER.sub(lambda match: known[match.group(1)], text)


def statements(names: Names, *, gateway_tables: bool = False, durable: bool = False) -> list[str]:
    """Every statement that makes the read side, in order, without a trailing semicolon."""
    paths = _TABLES + (_GATEWAY_TABLES if gateway_tables else ()) + _VIEWS + _DICTIONARIES + _FUNCTIONS
    databases = (names.database, names.gateway) if gateway_tables else (names.database,)
    durability = _DURABLE if durable else ""
    return [
        *(f"CREATE DATABASE IF NOT EXISTS {name}" for name in databases),
        *(sql(path, names, durability=durability).strip() for path in paths),
    ]


async def apply(clickhouse: ClickHouse, names: Names, *, gateway_tables: bool, durable: bool | None = None) -> None:
    """Make or renew every object; may be called at every start. `durable` is on for the embedded engine unless said.

    `gateway_tables` makes the gateway's tables too, where no gateway did. The views need them to be there.
    On failure the objects made so far stay; calling it again finishes the work.
    """
    durable = clickhouse.embedded if durable is None else durable
    for statement in statements(names, gateway_tables=gateway_tables, durable=durable):
        await clickhouse.command(statement)
