"""Applies the objects below `clickhouse/`: reads each `.sql` file, puts the database names in, runs them in order.

Every statement may be repeated: tables are made when missing and never altered, all else is replaced.
"""

from __future__ import annotations

from projections.billing import sql as bill_sql
from projections.billing.sql import Scope
from projections.engine.client import ClickHouse
from projections.engine.templates import Names, sql
from projections.errors import ClickHouseRefused
from projections.usage.gateway_tables import reason_of

__all__ = ["Names", "apply", "sql", "statements"]

# Embedded, nobody else has a copy: rows below a position that survived a power cut must have survived it too.
_DURABLE = ("fsync_after_insert = 1", "fsync_part_directory = 1")
# A block that comes again is written, and waited for on every replica, as any other: left out as a duplicate, it would
# depend on what becomes of the first one. What is written twice is one row all the same.
_REPLICATED = ("replicated_deduplication_window = 0",)

_TABLES = (
    "tables/key_tag_change_v1",
    "tables/key_life_v1",
    "tables/key_credential_v1",
    "tables/event_applied_v1",
    "tables/applied_checkpoint_v1",
    "tables/dead_letter_v1",
    "tables/redelivered_v1",
    "tables/projector_stop_v1",
)
_SHADOW = ("tables/replay_v1", "tables/replay_switch_v1")
# The one place that says which gateway's rows are read: docs/add-a-gateway.md.
_ADAPTER = "gateways/tensorzero"
_GATEWAY_TABLES = (
    f"{_ADAPTER}/tables/ChatInference",
    f"{_ADAPTER}/tables/JsonInference",
    f"{_ADAPTER}/tables/ModelInference",
    f"{_ADAPTER}/tables/BatchIdByInferenceId",
)
# Each after those it reads.
_VIEWS = (
    f"{_ADAPTER}/views/inference_row",
    f"{_ADAPTER}/views/model_row",
    f"{_ADAPTER}/views/batch_inference",
    "views/usage/model_usage_between",
    "views/usage/model_usage",
    "views/usage/inference",
    "views/ledger/dead_letter",
    "views/ledger/applied_position",
    "views/ledger/event_applied",
    "views/ledger/key_tag_change",
    "views/ledger/key_life",
    "views/ledger/key_credential",
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


def statements(names: Names, *, gateway_tables: bool = False, durable: bool = False, shadow: bool = False) -> list[str]:
    """Every statement that makes the read side, in order, without a trailing semicolon.

    `beside` makes a second ledger: marked as one, before all else, and without the functions. Their names are the
    server's, not a database's, so they stay with the live ledger.
    """
    paths = (_SHADOW if shadow else ()) + _TABLES + (_GATEWAY_TABLES if gateway_tables else ()) + _VIEWS + _DICTIONARIES
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
    """Make or renew every object; may be called at every start. `durable` is on for the embedded engine unless said.

    `gateway_tables` makes the gateway's tables too, where no gateway did. The views need them to be there:
    raises GatewayTablesMissing.
    On failure the objects made so far stay; calling it again finishes the work. On a cluster a replica that is away is
    one; what was asked of it waits for it there.
    """
    durable = clickhouse.embedded if durable is None else durable
    for statement in statements(names, gateway_tables=gateway_tables, durable=durable, shadow=shadow):
        try:
            await clickhouse.command(statement)
        except ClickHouseRefused as error:
            if reason := await reason_of(clickhouse, names, error):
                raise reason from error
            raise


def _clocks_apart_s(names: Names) -> str:
    """How far the clocks that rows are stamped by may be apart: those of replicas, or one that is set back a little.

    What was applied that long before a checkpoint is looked at again, so it is no longer than it must be.
    """
    return "5" if names.cluster is None else "60"


def _composed(path: str, names: Names) -> dict[str, str]:
    """The parts that a view shares with the statement of a bill, bounded by the view's own parameters."""
    applied = f"(SELECT position FROM {names.database}.applied_position)"  # noqa: S608 - a checked identifier
    known = f"least({{known_at:UInt64}}, {applied})"
    instants = {
        "since_ms": "toUnixTimestamp64Milli({since:DateTime64(3, 'UTC')})",
        "until_ms": "toUnixTimestamp64Milli({until:DateTime64(3, 'UTC')})",
    }
    match path:
        case "views/usage/bill":
            return {"attributed": bill_sql.attributed(Scope(names, known, **instants), ["{tag:String}"])}
        case "views/usage/coverage":
            return {"attributed": bill_sql.attributed(Scope(names, known, **instants), [])}
        case "views/ledger/key_tag_interval_known":
            return {"intervals": Scope(names, known).sql("bill/key_tag_interval")}
        case "views/ledger/key_tag_interval_position":
            return {"intervals": Scope(names, applied).sql("bill/key_tag_interval")}
        case "views/usage/billable_usage":
            always = Scope(names, applied, since_ms="toInt64(0)", until_ms="toInt64(9223372036854775807)")
            return {"attributed": bill_sql.attributed(always, []), "intervals": always.sql("bill/key_tag_interval")}
        case _:
            return _of_use(path, Scope(names, applied))


def _of_use(path: str, applied: Scope) -> dict[str, str]:
    """The parts of the views that look for use that should not have been, by all that is applied."""
    match path:
        case "views/usage/late_use":
            return {"ended": applied.sql("usage/ended")}
        case "views/usage/tag_conflict":
            parts = {"credentials": applied.sql("bill/credentials"), "bound": applied.sql("usage/bound_tags")}
            return {**parts, "position": applied.position}
        case _:
            return {}
