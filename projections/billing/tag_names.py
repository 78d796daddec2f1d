"""Whether the tags that a bill is asked by exist: a misspelt one would give a bill of nulls, or an empty one."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from projections.billing.query import WORDS, BillQuery
from projections.billing.statement.scope import Scope
from projections.engine.client import ClickHouse
from projections.errors import BadBillQuery

NEAREST: Final = 3


async def unknown_names(
    clickhouse: ClickHouse, scope: Scope, query: BillQuery, applied_position: int
) -> list[BadBillQuery]:
    """The names in `group_by` and `tag` that no key has ever had, by all that is applied, with the nearest ones."""
    asked = [("group_by", name) for name in query.group_by if name not in WORDS]
    asked += dict.fromkeys(("tag", name) for name, _ in query.tags)
    wanted = list(dict.fromkeys(name for _, name in asked))
    known = await _names(clickhouse, scope, wanted, applied_position) if wanted else []
    if not (missing := [(field, name) for field, name in asked if name not in known]):
        return []
    every = await _names(clickhouse, scope, [], applied_position)
    return [BadBillQuery(field, _words(field, name, every, applied_position)) for field, name in missing]


async def _names(clickhouse: ClickHouse, scope: Scope, asked: list[str], position: int) -> list[str]:
    parameters = {"asked": asked, "position": position, **scope.values}
    return [name for (name,) in await clickhouse.query(scope.sql("bill/tag_names"), parameters)]


def _words(field: str, name: str, every: list[str], position: int) -> str:
    said = f"no key has had the tag {name!r} up to position {position}"
    parts = [part.strip() for part in name.split(",")]
    if len(parts) > 1 and all(part in every or part in WORDS for part in parts):
        return f"{said}: name each by itself, {' '.join(f'group_by={part}' for part in parts)}"
    near = nearest(name, [*every, *(WORDS if field == "group_by" else ())])
    return f"{said}; the nearest: {', '.join(near)}" if near else f"{said}, nor one like it"


def nearest(name: str, every: list[str]) -> list[str]:
    """Up to three of the names that look most like this one, without regard to case."""
    folded = {one.casefold(): one for one in reversed(every)}
    return [folded[one] for one in get_close_matches(name.casefold(), folded, NEAREST)]
