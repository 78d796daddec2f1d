"""What bill is asked for, and what may be wrong with the question."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from projections.billing.statement import sql as bill_sql
from projections.errors import BadBillQuery
from registry.keys.tags import name_fault

WORDS: Final = tuple(bill_sql.WORDS)
MAX_GROUP_BY: Final = 8


@dataclass(frozen=True)
class BillQuery:
    """What is asked for. `known_at` None means all that is applied, `usage_known_at` None all that is collected.

    All `tags` (name, value) must hold. `within`: the bill is of what is theirs alone, its coverage and usage too. So it
    is with a `key`, the id of any credential of it: of that key alone.
    """

    group_by: tuple[str, ...]
    since: datetime
    until: datetime
    known_at: int | None = None
    tags: tuple[tuple[str, str], ...] = ()
    time_zone: str = "UTC"
    usage_known_at: int | None = None
    within: bool = False
    key: str | None = None

    @property
    def is_part(self) -> bool:
        """Whether its coverage and usage are of a part of all usage."""
        return self.within or self.key is not None

    @property
    def pinned_at(self) -> int | None:
        """The position after which nothing changes this bill any more; None where something may."""
        if self.known_at is None or self.usage_known_at is None:
            return None
        return max(self.known_at, self.usage_known_at)


def faults(query: BillQuery) -> list[BadBillQuery]:
    """All that is wrong with a question, each by its field; none when it has an answer."""
    found: list[BadBillQuery] = []
    if len(query.group_by) > MAX_GROUP_BY:
        found.append(BadBillQuery("group_by", f"names at most {MAX_GROUP_BY}"))
    if len(set(query.group_by)) < len(query.group_by):
        found.append(BadBillQuery("group_by", "names the same twice"))
    for name in query.group_by:
        if name not in WORDS and (why := name_fault(name)):
            message = f"must be a tag's name or one of {', '.join(WORDS)}; the name {why}"
            found.append(BadBillQuery("group_by", message))
    found += [BadBillQuery("tag", why) for name, _ in query.tags if (why := name_fault(name))]
    if query.since >= query.until:
        found.append(BadBillQuery("until", "must be after since"))
    if query.known_at is not None and query.known_at < 0:
        found.append(BadBillQuery("known_at", "must be 0 or more"))
    if query.usage_known_at is not None and query.usage_known_at < 0:
        found.append(BadBillQuery("usage_known_at", "must be 0 or more"))
    if query.time_zone not in zones():
        found.append(BadBillQuery("time_zone", "is no time zone of the IANA database, as Europe/Berlin"))
    return found


@cache
def zones() -> frozenset[str]:
    """The names of the zones that the engine knows too; `localtime` would make a bill depend on its machine."""
    return frozenset(available_timezones()) - {"localtime", "Factory"}
