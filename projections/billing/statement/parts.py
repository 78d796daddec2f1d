"""What the groups of a bill add up to with those of later usage, and which part of them has some tags."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import add, sub
from typing import Any, Final

from projections.billing.statement.groups import Group

_Key = tuple[str, int, tuple[Any, ...], str]
_Values = tuple[str, ...]

_FIRST: Final = Group._fields.index("inferences")
_SEEN: Final = Group._fields.index("seen_until_ms")
_CURRENCY: Final = Group._fields.index("currency")


# In so many ways they are kept added up.
_WAYS: Final = 8


class Parts:
    """The groups of a bill, which grow by those of later batches, and can be asked for by values of their `by`."""

    def __init__(self, groups: Iterable[Group]) -> None:
        self._groups: dict[_Key, Group] = {}
        self._by_values: dict[tuple[int, ...], dict[_Values, list[Group]]] = {}
        self._unlisted: dict[_Key, Group] = {}
        self._by_columns: dict[tuple[int, ...], list[Group]] = {}
        self.grow(groups)

    def __len__(self) -> int:
        return len(self._groups)

    @property
    def groups(self) -> list[Group]:
        """All of them."""
        return list(self._groups.values())

    def grow(self, groups: Iterable[Group]) -> None:
        """Add the groups of later batches. What these take back whole is gone."""
        for group in groups:
            key = _key(group)
            grown = _combined(self._groups[key], group, add) if key in self._groups else group
            if grown.entries:
                self._groups[key] = grown
            else:
                self._groups.pop(key, None)
        self._by_values.clear()
        self._unlisted.clear()
        self._by_columns.clear()

    def by_columns(self, columns: Sequence[int]) -> list[Group]:
        """All of them by some columns of their `by`: see `by_columns`. Added up once until they grow."""
        found = self._by_columns.get(tuple(columns))
        if found is None:
            if len(self._by_columns) == _WAYS:
                self._by_columns.clear()
            found = self._by_columns[tuple(columns)] = by_columns(self._groups.values(), columns)
        return found

    def having(self, columns: Sequence[int], values: _Values) -> list[Group]:
        """Those that have the values in these columns of `by`; all others are not listed."""
        by_values = self._by_values.get(tuple(columns)) or self._indexed(tuple(columns))
        rest = dict(self._unlisted or self._as_unlisted())
        listed = by_values.get(values, [])
        for group in listed:
            key = group.bucket, 0, (), group.currency
            rest[key] = _combined(rest[key], group, sub)
        return listed + [group for group in rest.values() if group.entries]

    def _indexed(self, columns: tuple[int, ...]) -> dict[_Values, list[Group]]:
        found: dict[_Values, list[Group]] = {}
        for group in self._groups.values():
            if group.listed:
                found.setdefault(tuple(group.by[column] for column in columns), []).append(group)
        self._by_values[columns] = found
        return found

    def _as_unlisted(self) -> dict[_Key, Group]:
        """All of them as if they made no lines: one for each bucket and currency."""
        for group in self._groups.values():
            one = group._replace(listed=0, by=())
            key = _key(one)
            self._unlisted[key] = _combined(self._unlisted[key], one, add) if key in self._unlisted else one
        return self._unlisted


def by_columns(groups: Iterable[Group], columns: Sequence[int]) -> list[Group]:
    """Groups by some columns of their `by`. None of the others may part an inference, as its models do."""
    found: dict[_Key, Group] = {}
    for group in groups:
        by = [group.by[column] for column in columns] if group.listed else [None] * len(columns)
        one = group._replace(by=tuple(by))
        key = _key(one)
        found[key] = _combined(found[key], one, add) if key in found else one
    return list(found.values())


def _key(group: Group) -> _Key:
    return group.bucket, group.listed, tuple(group.by), group.currency


def _combined(one: Group, other: Group, operator: Callable[[Any, Any], Any]) -> Group:
    """The sums, or differences, of two groups. The latest instant is that of both: nobody asks for that of a part."""
    values: list[Any] = list(one)
    for at in range(_FIRST, len(values)):
        if at == _SEEN:
            values[at] = max(one.seen_until_ms, other.seen_until_ms)
        elif at != _CURRENCY:
            values[at] = operator(one[at], other[at])
    return Group._make(values)
