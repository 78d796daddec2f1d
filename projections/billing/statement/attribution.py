"""The SQL that gives entries the key, the bucket and the tags as of their instants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from projections.billing.figures import BUCKETS
from projections.billing.statement.scope import Scope
from projections.usage.journal.lines import FIGURES

# As a text within a text.
_BUCKETS = ", ".join(rf"\'{name}\' = {code}" for code, name in enumerate(BUCKETS, start=1))
# What a bill sums.
_SUMS = ("sign", *FIGURES, "fingerprint")
_OF_CREDENTIAL = {"credential_id": "e.credential_id", "state": "e.state"}


_IDS: Final = ("credential_id", "public_id")


@dataclass(frozen=True)
class Credentials:
    """Some credentials, and their keys, as SQL has them after IN; and whether their times are bound as `timeline`."""

    ids: str
    public_ids: str
    timeline_bound: bool = False


# How many are bound, and more are not.
FEW: Final = 5000
FEW_CREDENTIALS: Final = Credentials("{few:Array(String)}", "{few_keys:Array(String)}")


def bound_few(ids: Sequence[str], public_ids: Sequence[str]) -> dict[str, Any]:
    """The values of FEW_CREDENTIALS."""
    return {"few": ids, "few_keys": public_ids}


def credentials_of_entries(scope: Scope) -> str:
    """The credentials that the entries name, and their keys, unless they are many."""
    return scope.sql("bill/credentials_of_entries", entries=scope.sql("bill/entries"), more_than_few=str(FEW + 1))


def entries(scope: Scope, only: Credentials | None = None) -> str:
    """The entries of the period; `only`: of these credentials alone."""
    every = scope.sql("bill/entries")
    return every if only is None else f"SELECT * FROM ({every}) WHERE credential_id IN {only.ids}"  # noqa: S608 - our own texts


def attributed(scope: Scope, tags: Sequence[str], only: Credentials | None = None) -> str:
    """The entries with their bucket and `tag_0`, `tag_1` … as of their instant; `tags` are expressions for names.

    `only`: of these credentials alone.
    """
    return scope.sql(
        "bill/attributed",
        entries=entries(scope, only),
        timeline=_timeline(scope, tags, only),
        bucket=_bucket(scope, "u.at_ms < t.alive_until_ms"),
        tag_names="".join(f"t.tag_{i} AS tag_{i},\n    " for i in range(len(tags))),
    )


def moving_of(scope: Scope, tags: Sequence[str]) -> Credentials:
    """Those of which something that decides their bill changes within the period."""
    keys = _moving_keys(scope, tags)
    ids, public_ids = (f"({scope.sql('bill/moving', keys=keys, of=of)})" for of in ("credential_id", "public_id"))
    return Credentials(ids, public_ids)


def mostly_steady(scope: Scope, tags: Sequence[str], columns: Sequence[str], moving: Credentials | None) -> str:
    """As `attributed`, of the entries' columns that are named, made for where little changes within the period.

    Without columns entries are summed first, by credential; `at_ms` is their latest instant up to now. `moving`: None
    where nothing changes at all.
    """
    names = ["at_ms", *columns, *_SUMS]
    instant = "at_ms" if columns else "seen_ms"
    steady = scope.sql(
        "bill/attributed_steady",
        columns=",\n    ".join(f"u.{instant if name == 'at_ms' else name} AS {name}" for name in names),
        tag_names="".join(f"t.tag_{i} AS tag_{i},\n    " for i in range(len(tags))),
        bucket=_bucket(scope, "t.alive"),
        rows=scope.sql("bill/entries") if columns else summed(scope, scope.sql("bill/entries"), _OF_CREDENTIAL),
        steady=_steady(scope, tags),
        but_moving="" if moving is None else f"WHERE u.credential_id NOT IN {moving.ids}\n",
    )
    if moving is None:
        return steady
    rest = "".join(f"u.{name},\n    " for name in [*names, *(f"tag_{i}" for i in range(len(tags)))])
    return f"{steady}UNION ALL\nSELECT\n    {rest}u.bucket\nFROM ({attributed(scope, tags, moving)}) AS u\n"


def summed(scope: Scope, rows: str, by: Mapping[str, str]) -> str:
    """Entries, or sums of them, summed by some columns: names, and the SQL that they are made by of a row `e`.

    `at_ms` is the latest instant, `seen_ms` the latest up to now.
    """
    sums = ["max(e.at_ms) AS at_ms", "max(if(e.at_ms <= {now_ms:Int64}, e.at_ms, -1)) AS seen_ms"]
    columns = [f"{sql} AS {name}" for name, sql in by.items()] + sums + [f"sum(e.{name}) AS {name}" for name in _SUMS]
    return scope.sql("bill/sums", rows=rows, sums=",\n    ".join(columns), by=",\n    ".join(by))


def moving_share(scope: Scope, tags: Sequence[str]) -> str:
    """How many credentials there are, and of how many, and of which, something changes within the period."""
    return scope.sql("bill/moving_share", keys=_moving_keys(scope, tags), more_than_few=str(FEW + 1))


def _moving_keys(scope: Scope, tags: Sequence[str]) -> str:
    return scope.sql("bill/moving_keys", tags=_tuple(tags))


def _bucket(scope: Scope, alive: str) -> str:
    return scope.sql("bill/bucket", alive=alive, buckets=f"Enum8({_BUCKETS})").strip()


def _steady(scope: Scope, tags: Sequence[str]) -> str:
    turn = "bitOr(bitShiftLeft(toUInt128(effective_ms), 64), toUInt128(position))"
    points = [f"argMaxIf(ifNull(value, ''), {turn}, tag = {tag}) AS tag_{i},\n        " for i, tag in enumerate(tags)]
    return scope.sql(
        "bill/steady",
        turn=turn,
        tag_columns="".join(f"nullIf(t.tag_{i}, '') AS tag_{i},\n    " for i in range(len(tags))),
        tags_of_keys=scope.sql("bill/steady_tags", tags=_tuple(tags), tag_points="".join(points)) if tags else "",
    )


def _tuple(tags: Sequence[str]) -> str:
    return f"({', '.join(tags)})" if tags else "('')"


def timeline_as_text(scope: Scope, tags: Sequence[str], only: Credentials) -> str:
    """The statement that gives the times of these credentials as one text, to be bound as `timeline`."""
    columns = "".join(f", tag_{i}" for i in range(len(tags)))
    return scope.sql("bill/timeline_as_text", timeline=_timeline(scope, tags, only), tag_columns=columns)


def _timeline(scope: Scope, tags: Sequence[str], only: Credentials | None) -> str:
    if only is not None and only.timeline_bound:
        return scope.sql(
            "bill/timeline_bound",
            tag_types="".join(f", tag_{i} Nullable(String)" for i in range(len(tags))),
            tag_columns="".join(f"one.tag_{i} AS tag_{i},\n    " for i in range(len(tags))),
        )
    numbers, of_keys = range(len(tags)), "" if only is None else f"AND public_id IN {only.public_ids}"
    credentials = scope.sql("bill/credentials", of_keys=of_keys)
    if only is not None:
        credentials = f"SELECT * FROM ({credentials}) WHERE credential_id IN {only.ids}"  # noqa: S608 - our own texts
    return scope.sql(
        "bill/timeline",
        credentials=credentials,
        of_keys=of_keys,
        tags=_tuple(tags),
        tag_columns="".join(f"nullIf(s.tag_{i}, '') AS tag_{i},\n    " for i in numbers),
        tag_windows="".join(f"last_value(p.tag_{i}) OVER so_far AS tag_{i},\n        " for i in numbers),
        tag_points="".join(
            f"argMaxOrNullIf(value, turn, what = 'tag' AND tag = {tag}) AS tag_{i},\n            "
            for i, tag in enumerate(tags)
        ),
    )
