"""How the statement of a bill is best made: which credentials it looks up, and what is bound for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from projections.billing.statement import sql as bill_sql
from projections.billing.statement.attribution import (
    FEW,
    FEW_CREDENTIALS,
    bound_few,
    credentials_of_entries,
    moving_of,
    moving_share,
)
from projections.billing.statement.scope import Scope
from projections.engine.client import ClickHouse

# Where less than a quarter of the credentials change within the period: measured, docs/billing.md says more.
_STEADY: Final = 4
# Of fewer entries each statement costs more than it saves.
_MANY: Final = 1_000_000

Bound = tuple[bill_sql.Way, dict[str, Any]]


async def way_of_few(clickhouse: ClickHouse, scope: Scope, parameters: Mapping[str, Any]) -> Bound:
    """How the statement is best made of some batches: of the credentials that their entries name."""
    ((ids, keys),) = await clickhouse.query(credentials_of_entries(scope), parameters)
    return (None, {}) if len(ids) > FEW else (bill_sql.Only(FEW_CREDENTIALS), bound_few(ids, keys))


async def way_of_key(
    clickhouse: ClickHouse, scope: Scope, key: str, position: int
) -> tuple[bill_sql.Only, dict[str, Any]]:
    """How it is made of one key: of its credentials alone, which changes what it is of."""
    ids, keys = await credentials_of_key(clickhouse, scope, key, position)
    return bill_sql.Only(FEW_CREDENTIALS), bound_few(ids, keys)


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
