"""Puts the SQL of a bill together from the templates in `clickhouse/queries/`, for `compute_bill` and the views alike.

Only the number of tags and which of the six words are asked for change the text; every value is a bound parameter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from projections.billing.figures import BUCKETS
from projections.engine.templates import Names, sql
from projections.usage.journal.lines import FIGURES

# What a bill can be grouped by besides tags. Where a text for each row would cost too much it is a code, and `bill.py`
# turns codes into labels. Instants are local to the zone asked for.
_LOCAL_S = "intDiv(at_ms, 1000) + offset_s"
# West of Greenwich, local time begins in 1969; `intDiv` rounds towards zero, so the days are counted from one before.
_DAY = f"intDiv({_LOCAL_S} + 86400, 86400) - 1"
_HOUR = f"intDiv({_LOCAL_S} + 86400, 3600) - 24"
_NOT_TEXT = "not UTF-8: "


def _label(name: str) -> str:
    """A name that need not be UTF-8 as a text that no other name has: JSON has no bytes."""
    is_text = f"isValidUTF8({name}) AND NOT startsWith({name}, '{_NOT_TEXT}')"
    return f"if({is_text}, {name}, concat('{_NOT_TEXT}', hex({name})))"


WORDS: dict[str, str] = {
    "model": "model_name",
    "provider": "model_provider_name",
    "function": "function_name",
    # The local hour and the offset in it: the two passes of a clock set back stay apart.
    "hour": f"({_HOUR}) * 262144 + offset_s + 131072",
    "day": _DAY,
    # In the east the last hours of 9999 are in the year 10000, which no date of the engine's holds.
    "month": f"if({_DAY} > 2932896, 1000001, toYYYYMM(toDate32({_DAY})))",
}


# The words that need the time zone.
LOCAL = frozenset({"hour", "day", "month"})


# Which entries count an inference once per line, by whether lines are of a model and of a provider.
_COUNTED = {
    (False, False): "a.inferences",
    (True, False): "a.of_model",
    (False, True): "a.of_provider",
    (True, True): "a.of_pair",
}


# The columns that words look at.
_COLUMNS = {"function": "function_name", "model": "model_name", "provider": "model_provider_name"}
# What a bill sums.
_SUMS = ("sign", *FIGURES, "fingerprint")
# As a text within a text.
_BUCKETS = ", ".join(rf"\'{name}\' = {code}" for code, name in enumerate(BUCKETS, start=1))
# A version of a price: see clickhouse/queries/bill/prices.sql.
_PRICE = (
    "Tuple(price_id String, from_ms Int64, until_ms Int64, provider String, tags Array(String), currency String, "
    "input Int256, output Int256, read_extra Int256, write_extra Int256, cached_input Int256, cached_output Int256, "
    "per_inference Int256, multiplier Int256, multiplied Bool)"
)


_OF_PRICE = ("r.price.price_id", "r.price.from_ms")


@dataclass(frozen=True)
class Book:
    """What a statement must know of the prices.

    Whether there are any, the numbers of the bill's tags that they ask for, and whether one charges by the inference.
    """

    prices: bool = False
    tags: Sequence[int] = ()
    by_inference: bool = False


@dataclass(frozen=True)
class Detail:
    """Which part of a bill a statement is of: a condition on labelled entries `a`, and their columns to split it by.

    `tags_from`: the entries also have `tags_from_ms`, since when their key had its tags. `price`: where there are
    prices, what is rated is split by the price too, whose id and first millisecond come after `by_0` …
    """

    only: str = "true"
    columns: Sequence[str] = ()
    tags_from: bool = False
    price: bool = False


@dataclass(frozen=True)
class Scope:
    """Where a statement gets its bounds from: bound parameters of a query, or expressions over a view's parameters.

    `tag_changes` and `price_changes` are where it reads what holds when: the ledger's tables where none are given.
    `values` are what these texts bind.
    """

    names: Names
    position: str = "{position:UInt64}"
    since_ms: str = "{since_ms:Int64}"
    until_ms: str = "{until_ms:Int64}"
    batch: str = "{batch:UInt64}"
    given_up: str = "{given_up:Array(UInt64)}"
    tag_changes: str | None = None
    price_changes: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    def sql(self, path: str, **values: str) -> str:
        """The template `clickhouse/queries/<path>.sql` with the bounds and the given texts filled in."""
        bounds = {
            "position": self.position,
            "since_ms": self.since_ms,
            "until_ms": self.until_ms,
            "batch": self.batch,
            "given_up": self.given_up,
            "tag_changes": self.tag_changes or f"{self.names.database}.key_tag_change_v1",
            "price_changes": self.price_changes or f"{self.names.database}.price_change_v1",
        }
        return sql(
            f"queries/{path}", self.names, **bounds, **values
        )  # ends with a newline: its last line may be a comment


def view_scope(names: Names, position: str, since_ms: str, until_ms: str) -> Scope:
    """The bounds of a view: all of the journal that counts."""
    given_up = f"(SELECT batch FROM {names.journal}.usage_attempt_v1 WHERE given_up)"  # noqa: S608 - a checked identifier
    batch = f"(SELECT max(batch) FROM {names.journal}.usage_batch_v1 WHERE batch NOT IN {given_up})"  # noqa: S608 - as above
    return Scope(names, position, since_ms, until_ms, batch, given_up)


def attributed(scope: Scope, tags: Sequence[str], only: str | None = None) -> str:
    """The entries with their bucket and `tag_0`, `tag_1` … as of their instant; `tags` are expressions for names.

    `only`: a subquery that names the credentials whose entries are meant, all of which are known.
    """
    credentials, entries = scope.sql("bill/credentials"), scope.sql("bill/entries")
    if only is not None:
        credentials = f"SELECT * FROM ({credentials}) WHERE credential_id IN ({only})"  # noqa: S608 - our own texts
        entries = f"SELECT * FROM ({entries}) WHERE credential_id IN ({only})"  # noqa: S608 - as above
    return scope.sql(
        "bill/attributed",
        entries=entries,
        timeline=_timeline(scope, tags, credentials),
        buckets=f"Enum8({_BUCKETS})",
        tag_names="".join(f"t.tag_{i} AS tag_{i},\n    " for i in range(len(tags))),
    )


def moving_share(scope: Scope, tags: int) -> str:
    """How many credentials there are, and of how many something changes within the period."""
    return scope.sql(
        "bill/moving_share", credentials=scope.sql("bill/credentials"), moving=_moving(scope, _names(tags))
    )


def _names(tags: int) -> list[str]:
    return [f"{{name_{i}:String}}" for i in range(tags)]


def _moving(scope: Scope, tags: Sequence[str]) -> str:
    return scope.sql("bill/moving", credentials=scope.sql("bill/credentials"), tags=_tuple(tags))


def _tuple(tags: Sequence[str]) -> str:
    return f"({', '.join(tags)})" if tags else "('')"


def _summed(scope: Scope, tags: Sequence[str], group_by: Sequence[str], book: Book) -> str:
    """As `attributed`, of the columns that a bill reads, with the entries of steady credentials summed."""
    dimensions = _dimensions(group_by, book)
    # No two prices hold within one sum, so its latest instant stands for all of them.
    apart = ["roundDown(e.at_ms, {times_ms:Array(Int64)})"] if book.prices else []
    sums = [f"e.{name} AS {name}" if sql == name else f"{sql} AS {name}" for name, sql in dimensions.items()]
    sums += [*(f"sum(e.{name}) AS {name}" for name in _SUMS), "max(e.at_ms) AS at_ms"]
    sums.append("max(if(e.at_ms <= {now_ms:Int64}, e.at_ms, -1)) AS seen_ms")
    of_entry = {
        **{name: sql.replace("e.", "u.") for name, sql in dimensions.items() if sql != name},
        "seen_ms": "if(u.at_ms <= {now_ms:Int64}, u.at_ms, -1)",
    }
    columns = ["at_ms", "seen_ms", *dimensions, *_SUMS]
    moving = _moving(scope, tags)
    return scope.sql(
        "bill/attributed_sums",
        sum_columns=",\n    ".join(f"u.{name} AS {name}" for name in columns),
        entry_columns=",\n    ".join(f"{of_entry.get(name, f'u.{name}')} AS {name}" for name in columns),
        tag_names="".join(f"tag_{i},\n    " for i in range(len(tags))),
        no_tags="".join(f"CAST(NULL, 'Nullable(String)') AS tag_{i},\n    " for i in range(len(tags))),
        sums=",\n        ".join(sums),
        entries=scope.sql("bill/entries"),
        moving=moving,
        dimensions="".join(f",\n        {sql}" for sql in [*dimensions, *apart]),
        buckets=f"Enum8({_BUCKETS})",
        attributed=attributed(scope, tags, moving),
        steady=_steady(scope, tags),
    )


def _dimensions(group_by: Sequence[str], book: Book) -> dict[str, str]:
    """What must be the same of entries that are summed, besides their credential: names, and their SQL."""
    columns = {column for word, column in _COLUMNS.items() if word in group_by}
    if book.prices:
        columns |= {"model_name", "model_provider_name", "cached"}
    mixed = {"mixed_number": "if(e.mixed, e.number, 0)", "mixed_id": "if(e.mixed, e.id, 0)"}
    return {**{name: name for name in sorted(columns)}, **(mixed if book.by_inference else {})}


def _steady(scope: Scope, tags: Sequence[str]) -> str:
    turn = "bitOr(bitShiftLeft(toUInt128(effective_ms), 64), toUInt128(position))"
    points = [f"argMaxIf(ifNull(value, ''), {turn}, tag = {tag}) AS tag_{i},\n        " for i, tag in enumerate(tags)]
    return scope.sql(
        "bill/steady",
        turn=turn,
        tag_columns="".join(f"nullIf(t.tag_{i}, '') AS tag_{i},\n    " for i in range(len(tags))),
        tags_of_keys=scope.sql("bill/steady_tags", tags=_tuple(tags), tag_points="".join(points)) if tags else "",
    )


def can_sum(group_by: Sequence[str]) -> bool:
    """Whether entries can be summed before their tags are looked up: not where each instant matters."""
    return LOCAL.isdisjoint(group_by)


def bill(
    scope: Scope,
    tags: int,
    group_by: Sequence[str],
    filtered: Sequence[int],
    book: Book,
    detail: Detail | None = None,
    *,
    steady: bool = False,
) -> str:
    """The statement of a bill. Tags are bound as `name_0` …, the values that must hold as `value_0` …

    `group_by` holds words of `WORDS` and `tag_0` …; `filtered` says of which tag each value must be. `book.tags` says
    which tags the prices ask for. What it is grouped by is in the rows as `detail.columns`, then `by_0` …

    `steady`: of most credentials nothing changes within the period, so their entries are summed first. Not for a
    detail.
    """
    columns = () if detail is None else detail.columns
    by_names = _listed([*columns, *_by(group_by)])
    parts = _rate_parts(book, steady=steady) if book.prices else {}
    rows = _summed(scope, _names(tags), group_by, book) if steady else attributed(scope, _names(tags))
    labelled = _labelled(rows, scope, group_by, filtered, texts=detail is not None)
    if detail is not None and detail.tags_from:
        intervals = scope.sql("bill/key_tag_interval")
        labelled = scope.sql("bill/with_tags_from", labelled=labelled, intervals=intervals)
    grouped = scope.sql(
        "bill/bill",
        labelled=labelled,
        only="true" if detail is None else detail.only,
        counted=_COUNTED["model" in group_by, "provider" in group_by],
        by_names=by_names,
        seen="a.seen_ms" if steady else "if(a.at_ms <= {now_ms:Int64}, a.at_ms, -1)",
        more="".join(f",\n    {sql} AS {name}" for name, sql in parts.items()),
        more_names="".join(f",\n    {name}" for name, sql in parts.items() if "sum(" not in sql),
    )
    if detail is None:
        grouped = _with_texts(grouped, group_by)
    if not book.prices:
        return scope.sql("bill/unrated", bill=grouped)
    versions = scope.sql("bill/price_versions")
    return scope.sql(
        "bill/rated",
        bill=grouped,
        by_names=by_names + _listed(_OF_PRICE if detail is not None and detail.price else ()),
        prices=scope.sql("bill/prices", versions=versions, price_type=_PRICE),
        charged=scope.sql("bill/charged") if book.by_inference else ",\n        toInt256(0) AS charged\n",
    )


def inferences(scope: Scope, tags: int, group_by: Sequence[str], filtered: Sequence[int], only: str) -> str:
    """The statement that lists the inferences of a line, which the condition `only` names."""
    return scope.sql(
        "bill/inferences",
        labelled=_labelled(attributed(scope, _names(tags)), scope, group_by, filtered, texts=True),
        by_names=_listed([f"a.{name}" for name in _by(group_by)]),
        model=_label(WORDS["model"]),
        only=only,
    )


def _labelled(rows: str, scope: Scope, group_by: Sequence[str], filtered: Sequence[int], *, texts: bool) -> str:
    """Attributed entries, or their sums, with the names of their lines as `by_0` …, and whether they make a line.

    With `texts` names are made texts that JSON can hold.
    """
    by = [(f"by_{i}", name) for i, name in enumerate(group_by)]
    sql = {name: _label(WORDS[name]) if texts and name in _COLUMNS else WORDS.get(name, name) for name in group_by}
    return scope.sql(
        "bill/labelled",
        attributed=rows,
        # What makes no line has no label either.
        by_columns="".join(f"if(listed, toNullable({sql[name]}), NULL) AS {column},\n    " for column, name in by),
        tag_filter="".join(f"AND ifNull(tag_{tag} = {{value_{i}:String}}, false) " for i, tag in enumerate(filtered)),
        offset="timeZoneOffset(fromUnixTimestamp64Milli(at_ms, {time_zone:String}))"
        if not LOCAL.isdisjoint(group_by)
        else "0",
    )


def _with_texts(grouped: str, group_by: Sequence[str]) -> str:
    """The rows with texts that JSON can hold, made once for each group and not for each entry."""
    labels = [f"{_label(f'by_{i}')} AS by_{i}" for i, name in enumerate(group_by) if name in _COLUMNS]
    return f"SELECT * REPLACE ({', '.join(labels)}) FROM ({grouped})" if labels else grouped  # noqa: S608 - our own texts


def _by(group_by: Sequence[str]) -> list[str]:
    return [f"by_{i}" for i in range(len(group_by))]


def _listed(names: Sequence[str]) -> str:
    return "".join(f"{name},\n    " for name in names)


def _rate_parts(book: Book, *, steady: bool) -> dict[str, str]:
    """What decides the price of entries, and what is summed to be charged."""
    tags = ", ".join(f"ifNull(tag_{number}, '')" for number in book.tags)
    of_key = "bucket IN ('keyed', 'outside_key_life')"
    nothing = f"CAST([{', '.join(repr('') for _ in book.tags)}], 'Array(String)')"
    mixed = {
        "mixed_number": "a.mixed_number" if steady else "if(a.mixed, a.number, 0)",
        "mixed_id": "a.mixed_id" if steady else "if(a.mixed, a.id, 0)",
        "bought_rows": "sum(if(a.cached, 0, a.model_rows))",
        "of_charge": "sum(a.of_charge)",
    }
    return {
        "rate_model": "assumeNotNull(toString(a.model_name))",
        "rate_provider": "assumeNotNull(toString(a.model_provider_name))",
        # Usage without a key's tags has the prices without tags.
        "rate_tags": f"if({of_key}, [{tags}], {nothing})" if book.tags else nothing,
        "rate_ms": "if(a.at_ms < 0, -1, roundDown(a.at_ms, {times_ms:Array(Int64)}))",
        "bought_cost": "sum(if(a.cached, 0, a.cost_usd))",
        "bought_unpriced": "sum(if(a.cached, 0, a.unpriced))",
        **(mixed if book.by_inference else {}),
    }


def _timeline(scope: Scope, tags: Sequence[str], credentials: str) -> str:
    numbers = range(len(tags))
    return scope.sql(
        "bill/timeline",
        credentials=credentials,
        tags=_tuple(tags),
        tag_columns="".join(f"nullIf(s.tag_{i}, '') AS tag_{i},\n    " for i in numbers),
        tag_windows="".join(f"last_value(p.tag_{i}) OVER so_far AS tag_{i},\n        " for i in numbers),
        tag_points="".join(
            f"argMaxOrNullIf(value, turn, what = 'tag' AND tag = {tag}) AS tag_{i},\n            "
            for i, tag in enumerate(tags)
        ),
    )
