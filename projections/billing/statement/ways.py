"""How the statement of a bill is best made: which credentials it looks up, and what is bound for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from projections.billing.query import BillQuery
from projections.billing.statement import sql as bill_sql
from projections.billing.statement.attribution import (
    FEW,
    FEW_CREDENTIALS,
    bound_few,
    credentials_of_entries,
    moving_of,
    moving_share,
    timeline_as_text,
)
from projections.billing.statement.scope import Scope
from projections.engine.client import ClickHouse

# Where less than a quarter of the credentials change within the period: measured, docs/billing.md says more.
_STEADY: Final = 4
# Of fewer entries each statement costs more than it saves.
_MANY: Final = 1_000_000
# A server takes a mebibyte of parameters, each byte as up to three.
_TIMELINE_LENGTH: Final = 50_000

Bound = tuple[bill_sql.Way, dict[str, Any]]


async def way_of_few(clickhouse: ClickHouse, scope: Scope, parameters: Mapping[str, Any]) -> Bound:
    """How the statement is best made of some batches: of the credentials that their entries name."""
    ((ids, keys),) = await clickhouse.query(credentials_of_entries(scope), parameters)
    return (None, {}) if len(ids) > FEW else (bill_sql.Only(FEW_CREDENTIALS), bound_few(ids, keys))


async def way_of_key(
    clickhouse: ClickHouse, scope: Scope, few: Mapping[str, Any], tags: int, parameters: Mapping[str, Any]
) -> tuple[bill_sql.Only | None, dict[str, Any]]:
    """How it is made of one key, by what `few_of` gave: of its credentials alone, which changes what it is of.

    Their times are read first and bound where they are not many: the engine plans two statements in less time than one.
    """
    if not few:
        return None, {}
    statement = timeline_as_text(scope, bill_sql.names_of(tags), FEW_CREDENTIALS)
    ((timeline,),) = await clickhouse.query(statement, {**parameters, **few})
    if len(timeline.encode()) > _TIMELINE_LENGTH:
        return bill_sql.Only(FEW_CREDENTIALS), {**few}
    return bill_sql.Only(replace(FEW_CREDENTIALS, timeline_bound=True)), {**few, "timeline": timeline}


async def few_of(clickhouse: ClickHouse, scope: Scope, query: BillQuery, position: int) -> dict[str, Any]:
    """What is bound for the credentials of the key that a bill is of; nothing where it is of more."""
    return {} if query.key is None else bound_few(*await credentials_of_key(clickhouse, scope, query.key, position))


async def credentials_of_key(
    clickhouse: ClickHouse, scope: Scope, key: str, position: int
) -> tuple[Sequence[str], Sequence[str]]:
    """The credentials of the key that `key` is a credential of, and its own id; both empty where there was none."""
    parameters = {"key": key, "position": position, **scope.values}
    ((ids, keys),) = await clickhouse.query(scope.sql("bill/credentials_of_key"), parameters)
    return ids, keys


async def way_of_all(clickhouse: ClickHouse, scope: Scope, tags: int, parameters: Mapping[str, Any]) -> Bound:
    """How it is best made of everything, and what to bind for it.

    It pays to look up credentials before entries where there are many entries, and little changes meanwhile.
    """
    ((entries,),) = await clickhouse.query(scope.sql("bill/entries_there"))
    if entries < _MANY:
        return None, {}
    names = bill_sql.names_of(tags)
    ((credentials, count, moving, keys),) = await clickhouse.query(moving_share(scope, names), parameters)
    if count * _STEADY >= credentials:
        return None, {}
    if count > FEW:
        return bill_sql.Steady(moving_of(scope, names)), {}
    return (bill_sql.Steady(FEW_CREDENTIALS), bound_few(moving, keys)) if moving else (bill_sql.Steady(None), {})
