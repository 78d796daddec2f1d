"""Creates the objects below `clickhouse/`: reads each `.sql` file, fills in the database names, runs them in order.

Every statement can be repeated: missing tables are created, existing ones never altered; everything else is replaced.
In the embedded engine it is replaced only where it differs: a start that changes nothing takes half the time, and
writes next to nothing.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from projections.billing.statement.attribution import attributed
from projections.billing.statement.scope import Scope, view_scope
from projections.engine.client import ClickHouse
from projections.engine.templates import Names, sql
from projections.usage.journal.gateway_rows import ADAPTER
from projections.usage.journal.lines import rows_in_force
from projections.usage.tables import JOURNAL_TABLES

__all__ = ["Names", "apply", "sql", "statements"]

# The embedded engine has no second copy: after a power cut, no row below a position that survived may be missing.
_DURABLE = ("fsync_after_insert = 1", "fsync_part_directory = 1")
# A repeated block is written, and waited for on every replica, like any other. If it were dropped as a duplicate, its
# outcome would depend on that of the first one. Rows written twice still count as one.
_REPLICATED = ("replicated_deduplication_window = 0",)

_TABLES = (
    "tables/key_tag_change_v1",
    "tables/key_life_v1",
    "tables/key_credential_v1",
    "tables/usage_anchor_v1",
    "tables/usage_anchor_day_v1",
    "tables/price_change_v1",
    "tables/ledger_tally_v2",
    "tables/event_applied_v1",
    "tables/applied_checkpoint_v1",
    "tables/dead_letter_v1",
    "tables/redelivered_v1",
    "tables/projector_stop_v1",
    "tables/gateway_blocks_v1",
    "tables/gateway_count_v1",
    "tables/gateway_blocks_released_v1",
)
_SHADOW = ("tables/replay_v1", "tables/replay_switch_v1")
_GATEWAY_TABLES = (
    f"{ADAPTER}/tables/ChatInference",
    f"{ADAPTER}/tables/JsonInference",
    f"{ADAPTER}/tables/ModelInference",
    f"{ADAPTER}/tables/BatchIdByInferenceId",
)
# The usage journal: not in a second ledger, which is made from the log alone.
_JOURNAL = tuple(f"tables/{table}" for table in JOURNAL_TABLES)
# What `keyledger load` knows of its files: next to their rows, not in the ledger, which can be made again without them.
_LOAD_TABLES = ("tables/load_v1", "tables/load_row_v1")
# Each view comes after those it reads.
_VIEWS = (
    "views/usage/inference_row",
    "views/usage/model_row",
    "views/usage/batch_inference",
    "views/usage/model_usage",
    "views/usage/inference",
    "views/ledger/dead_letter",
    "views/ledger/applied_position",
    "views/ledger/event_applied",
    "views/ledger/key_tag_change",
    "views/ledger/key_life",
    "views/ledger/key_credential",
    "views/ledger/usage_anchor",
    "views/ledger/usage_anchor_day",
    "views/ledger/price_change",
    "views/ledger/key_tag_interval_known",
    "views/ledger/key_tag_interval",
    "views/ledger/key_tag_interval_position",
    "views/usage/billable_usage",
    "views/usage/bill",
    "views/usage/coverage",
    "views/usage/late_use",
    "views/usage/tag_conflict",
)
_DICTIONARIES = ("dictionaries/key_tags",)
_FUNCTIONS = ("functions/keyTags", "functions/keyTag", "functions/keyKnown")

# The names of what stands in the ledger's database, a dictionary among the views, and in the gateway's.
LEDGER_TABLES: Final = frozenset(path.rpartition("/")[2] for path in _TABLES)
LEDGER_VIEWS: Final = frozenset(path.rpartition("/")[2] for path in (*_VIEWS, *_DICTIONARIES))
GATEWAY_TABLES: Final = frozenset(path.rpartition("/")[2] for path in (*_GATEWAY_TABLES, *_LOAD_TABLES))

_REPLACED: Final = re.compile(r"^CREATE OR REPLACE (?:VIEW|DICTIONARY) ([\w.]+)", re.MULTILINE)
_COMMENTS: Final = """
SELECT
    database || '.' || name AS object,
    comment
FROM system.tables
WHERE database = {database:String} AND (engine = 'View' OR engine = 'Dictionary')
"""


def statements(
    names: Names,
    *,
    gateway_tables: bool = False,
    load_tables: bool = False,
    durable: bool = False,
    shadow: bool = False,
) -> list[str]:
    """Every statement that creates the read side, in order, without a trailing semicolon.

    `load_tables` are those of `keyledger load`, which come with the gateway's in the embedded engine.

    `shadow` creates a second ledger: marked as one before anything else, and without the functions. Function names
    belong to the server, not to a database, so they stay with the live ledger.
    """
    of_gateway = (_GATEWAY_TABLES if gateway_tables else ()) + (_LOAD_TABLES if load_tables else ())
    paths = (_SHADOW if shadow else _JOURNAL) + _TABLES + of_gateway + _VIEWS + _DICTIONARIES
    paths += () if shadow else _FUNCTIONS
    databases = (names.database, names.gateway) if gateway_tables else (names.database,)
    settings = (*(_DURABLE if durable else ()), *(_REPLICATED if names.cluster else ()))
    durability = f"SETTINGS {', '.join(settings)}" if settings else ""
    return [
        *(f"CREATE DATABASE IF NOT EXISTS {name}{names.on_cluster}" for name in databases),
        *(
            sql(
                path, names, durability=durability, clocks_apart_s=_clocks_apart_s(names), **_composed(path, names)
            ).strip()
            for path in paths
        ),
    ]


async def apply(
    clickhouse: ClickHouse,
    names: Names,
    *,
    gateway_tables: bool,
    durable: bool | None = None,
    shadow: bool = False,
) -> None:
    """Create or replace every object; may be called at every start.

    `durable` defaults to on for the embedded engine. `gateway_tables` also creates the gateway's tables, for use
    without a gateway; the views read the usage journal and need none. On failure, objects created so far
    remain; calling it again finishes the work. On a cluster, a replica that is down counts as a failure; its statements
    are queued for it.
    """
    durable = clickhouse.embedded if durable is None else durable
    load_tables = gateway_tables and clickhouse.embedded
    made = statements(names, gateway_tables=gateway_tables, load_tables=load_tables, durable=durable, shadow=shadow)
    for statement in await _different(clickhouse, names, made) if clickhouse.embedded else made:
        await clickhouse.command(statement)


async def _different(clickhouse: ClickHouse, names: Names, made: list[str]) -> list[str]:
    """The statements but those of views and dictionaries that are there as they should be, which their comments say.

    What follows one that differs is replaced, too: a view keeps the types of those that it reads.
    """
    there: dict[str, str] = dict(await clickhouse.query(_COMMENTS, {"database": names.database}))
    different: list[str] = []
    same = True
    for statement in made:
        found = _REPLACED.search(statement)
        if found is None:
            different.append(statement)
            continue
        digest = sha256(statement.encode()).hexdigest()
        same = same and there.get(found[1]) == digest
        if not same:
            different.append(f"{statement}\nCOMMENT '{digest}'")
    return different


def _clocks_apart_s(names: Names) -> str:
    """How far apart the clocks that stamp rows may be: those of replicas, or one clock that is set back a little.

    Rows applied within this time before a checkpoint are read again, so it is no longer than necessary.
    """
    return "5" if names.cluster is None else "60"


def _composed(path: str, names: Names) -> dict[str, str]:
    """The parts that a view shares with the query of a bill, limited by the view's own parameters."""
    applied = f"(SELECT position FROM {names.database}.applied_position)"  # noqa: S608 - a checked identifier
    known = f"least({{known_at:UInt64}}, {applied})"
    instants = {
        "since_ms": "toUnixTimestamp64Milli({since:DateTime64(3, 'UTC')})",
        "until_ms": "toUnixTimestamp64Milli({until:DateTime64(3, 'UTC')})",
    }
    in_period = view_scope(names, known, **instants)
    always = view_scope(names, applied, since_ms="toInt64(0)", until_ms="toInt64(9223372036854775807)")
    match path:
        case "views/usage/bill":
            return {"attributed": attributed(in_period, ["{tag:String}"])}
        case "views/usage/coverage":
            return {"attributed": attributed(in_period, [])}
        case "views/ledger/key_tag_interval_known":
            return {"intervals": Scope(names, known).sql("bill/key_tag_interval")}
        case "views/ledger/key_tag_interval_position":
            return {"intervals": Scope(names, applied).sql("bill/key_tag_interval")}
        case "views/usage/billable_usage":
            return {
                "attributed": attributed(always, []),
                "intervals": always.sql("bill/key_tag_interval"),
                "claims": always.sql("usage/claims"),
            }
        case _:
            return _of_use(path, Scope(names, applied))


def _of_use(path: str, applied: Scope) -> dict[str, str]:
    """The parts of the views of single rows, by everything that is applied and collected."""
    standing = {"position": applied.position, "standing": applied.sql("bill/standing")}
    match path:
        case "views/usage/inference_row" | "views/usage/model_row" | "views/usage/batch_inference":
            kind = path.rpartition("/")[2].partition("_")[0]
            return {"rows": rows_in_force(applied.names, which=f"r.kind = '{kind}'")}
        case "views/usage/model_usage":
            return {"winners": applied.sql("usage/model_winners", which="")}
        case "views/usage/late_use":
            return {"ended": applied.sql("usage/ended")}
        case "views/usage/tag_conflict":
            parts = {
                "credentials": applied.sql("bill/credentials", of_keys=""),
                "bound": applied.sql("usage/bound_tags"),
            }
            return {**parts, **standing}
        case "views/ledger/key_tag_change":
            return standing
        case _:
            return {}
