"""Why something failed, for the log: the whole chain of an error, without what callers sent and without secrets.

The texts of our errors quote neither. Of others, those of the system and of PostgreSQL's refusals to connect or to go
on name addresses, databases and roles alone; any other may quote a value, so its kind and place stand for it.
"""

from __future__ import annotations

from typing import Final

import asyncpg

from registry.follower import words

_MOST: Final = 10
# Classes of SQLSTATE: connection, transaction, login, database, rollback, resources, objects, operator, system.
_WITHOUT_VALUES: Final = frozenset({"08", "25", "28", "3D", "40", "53", "55", "57", "58"})


def causes(error: BaseException) -> str:
    """The error, and what it came from, the first cause last."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and len(chain) < _MOST:
        chain.append(link)
        link = link.__cause__ or link.__context__
    # SQLAlchemy wraps the driver's error twice, with the statement.
    links = [one for one in chain if not type(one).__module__.startswith("sqlalchemy") or one is chain[-1]]
    return ", from ".join(_words(one) for one in links)


def _words(error: BaseException) -> str:
    name = type(error).__name__
    if isinstance(error, asyncpg.PostgresError):
        return f"{name}: {error.args[0]}" if (error.sqlstate or "")[:2] in _WITHOUT_VALUES else name
    if isinstance(error, OSError) and str(error):
        return f"{name}: {error}"
    said = words(error)
    return said if said.startswith(name) else f"{name}: {said}"
