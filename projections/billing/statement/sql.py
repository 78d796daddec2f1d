"""Puts the SQL of a bill together from the templates in `clickhouse/queries/`, for `compute_bill` and the views alike.

Only the number of tags and which of the six words are asked for change the text; every value is a bound parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from projections.billing.statement.attribution import Credentials, attributed, mostly_steady, summed
from projections.billing.statement.scope import Scope
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
# A version of a price: see clickhouse/queries/bill/prices.sql.
_PRICE = (
    "Tuple(price_id String, from_ms Int64, until_ms Int64, provider String, tags Array(String), currency String, "
    "input Int256, output Int256, read_extra Int256, write_extra Int256, cached_input Int256, cached_output Int256, "
    "per_inference Int256, multiplier Int256, multiplied Bool)"
)


_OF_PRICE = ("r.price.price_id", "r.price.from_ms")
# What is summed of a part of a bill, besides its groups.
_OF_PART = (
    "bucket",
    "listed",
    "inferences",
    "distinct_inferences",
    *FIGURES[: FIGURES.index("inferences")],
    "seen_until_ms",
    "usage_fingerprint",
    "entries",
    "bought_cost",
    "bought_unpriced",
)


@dataclass(frozen=True)
class Book:
    """What a statement must know of the prices.

    Whether there are any, the numbers of the bill's tags that they ask for, whether one charges by the inference, and
    whether they are bound as `book` (see `prices_as_text`), which makes a shorter statement.
    """

    prices: bool = False
    tags: Sequence[int] = ()
    by_inference: bool = False
    bound: bool = False


@dataclass(frozen=True)
class Steady:
    """A way to make a statement: for where little changes within the period, of these credentials, or of none."""

    moving: Credentials | None


@dataclass(frozen=True)
class Only:
    """A way to make a statement: all entries are of these credentials."""

    credentials: Credentials


Way = Steady | Only | None


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


def bill(
    scope: Scope,
    tags: int,
    group_by: Sequence[str],
    filtered: Sequence[int],
    book: Book,
    detail: Detail | None = None,
    way: Way = None,
) -> str:
    """The statement of a bill. Tags are bound as `name_0` …, the values that must hold as `value_0` …

    `group_by` holds words of `WORDS` and `tag_0` …; `filtered` says of which tag each value must be. `book.tags` says
    which tags the prices ask for. What it is grouped by is in the rows as `detail.columns`, then `by_0` …

    `way` changes no row; `Steady` is none for a detail.
    """
    columns = () if detail is None else detail.columns
    by = [*columns, *_by(group_by)]
    decides, summed = _rate_parts(book) if book.prices else ({}, {})
    grouped = scope.sql(
        "bill/bill",
        labelled=_rows(scope, tags, group_by, filtered, book, detail, way),
        only="true" if detail is None else detail.only,
        counted=_COUNTED["model" in group_by, "provider" in group_by],
        by_names=_listed(by),
        seen="a.seen_ms" if detail is None else "if(a.at_ms <= {now_ms:Int64}, a.at_ms, -1)",
        # What was taken back whole is in no bill; of some batches alone, it may take back what others have.
        having="HAVING entries != 0" if scope.after_batch == "0" else "",
        more="".join(f",\n    {sql} AS {name}" for name, sql in {**decides, **summed}.items()),
        more_names="".join(f",\n    {name}" for name in decides),
    )
    if detail is None:
        grouped = _with_texts(grouped, group_by)
    if not book.prices:
        return scope.sql("bill/unrated", bill=grouped)
    of_price = _OF_PRICE if detail is not None and detail.price else ()
    return _rated(scope, grouped, by, of_price, book)


def _rows(
    scope: Scope,
    tags: int,
    group_by: Sequence[str],
    filtered: Sequence[int],
    book: Book,
    detail: Detail | None,
    way: Way,
) -> str:
    """The labelled entries, or sums of them, that a bill adds up."""
    names = names_of(tags)
    if isinstance(way, Steady):
        rows = mostly_steady(scope, names, _columns(group_by, book), way.moving)
    else:
        rows = attributed(scope, names, None if way is None else way.credentials)
    if detail is None:
        rows = summed(scope, _with_local_times(scope, rows, group_by), _dimensions(tags, group_by, book))
    labelled = _labelled(rows, scope, group_by, filtered, of_entries=detail is not None)
    if detail is None or not detail.tags_from:
        return labelled
    return scope.sql("bill/with_tags_from", labelled=labelled, intervals=scope.sql("bill/key_tag_interval"))


def _rated(scope: Scope, grouped: str, by: Sequence[str], of_price: Sequence[str], book: Book) -> str:
    prices = scope.sql("bill/prices_bound", price_type=_PRICE) if book.bound else _prices(scope)
    priced = scope.sql(
        "bill/priced",
        parts=scope.sql("bill/pairs", bill=grouped) if book.by_inference else grouped,
        prices=prices,
        rate_tags=f"[{', '.join(f'x.rate_tag_{i}' for i in range(len(book.tags)))}]"
        if book.tags
        else "CAST([], 'Array(String)')",
    )
    if book.by_inference:
        columns = ",\n    ".join(f"any(p.{name}) AS {name}" for name in [*by, *_OF_PART])
        priced = scope.sql("bill/charged", priced=priced, columns=columns)
    return scope.sql(
        "bill/rated",
        priced=priced,
        charged="r.charged" if book.by_inference else "0",
        by_names=_listed([*by, *of_price]),
        prices=prices,
    )


def prices_as_text(scope: Scope) -> str:
    """The statement that gives the prices as one text, to be bound as `book`."""
    return scope.sql("bill/prices_as_text", prices=_prices(scope))


def _prices(scope: Scope) -> str:
    return scope.sql("bill/prices", versions=scope.sql("bill/price_versions"), price_type=_PRICE)


def inferences(
    scope: Scope, tags: int, group_by: Sequence[str], filtered: Sequence[int], only: str, way: Only | None = None
) -> str:
    """The statement that lists the inferences of a line, which the condition `only` names."""
    rows = attributed(scope, names_of(tags), None if way is None else way.credentials)
    return scope.sql(
        "bill/inferences",
        labelled=_labelled(rows, scope, group_by, filtered, of_entries=True),
        by_names=_listed([f"a.{name}" for name in _by(group_by)]),
        model=_label(WORDS["model"]),
        only=only,
    )


def _labelled(rows: str, scope: Scope, group_by: Sequence[str], filtered: Sequence[int], *, of_entries: bool) -> str:
    """Attributed entries, or their sums, with the names of their lines as `by_0` …, and whether they make a line.

    Those of entries are texts that JSON can hold.
    """
    by = [(f"by_{i}", name) for i, name in enumerate(group_by)]
    texts = {word: _label(column) if of_entries else column for word, column in _COLUMNS.items()}
    sql = {name: texts.get(name, name) for name in group_by}
    return scope.sql(
        "bill/labelled",
        attributed=_with_local_times(scope, rows, group_by) if of_entries else rows,
        # What makes no line has no label either.
        by_columns="".join(f"if(listed, toNullable({sql[name]}), NULL) AS {column},\n    " for column, name in by),
        tag_filter="".join(f"AND ifNull(tag_{tag} = {{value_{i}:String}}, false) " for i, tag in enumerate(filtered)),
    )


def _with_local_times(scope: Scope, rows: str, group_by: Sequence[str]) -> str:
    """The entries with the hours, days and months that are asked for."""
    codes = [f"{WORDS[name]} AS {name}" for name in group_by if name in LOCAL]
    return scope.sql("bill/local_times", rows=rows, codes=",\n    ".join(codes)) if codes else rows


def _with_texts(grouped: str, group_by: Sequence[str]) -> str:
    """The rows with texts that JSON can hold, made once for each group and not for each entry."""
    labels = [f"{_label(f'by_{i}')} AS by_{i}" for i, name in enumerate(group_by) if name in _COLUMNS]
    return f"SELECT * REPLACE ({', '.join(labels)}) FROM ({grouped})" if labels else grouped  # noqa: S608 - our own texts


def names_of(tags: int) -> list[str]:
    """The expressions for the names of so many tags."""
    return [f"{{name_{i}:String}}" for i in range(tags)]


def _columns(group_by: Sequence[str], book: Book) -> list[str]:
    """The columns of entries that decide how they are billed, besides credential and state; none where only tags do."""
    columns = {column for word, column in _COLUMNS.items() if word in group_by}
    if book.prices:
        columns |= {"model_name", "model_provider_name", "cached", *(["pairs_before"] if book.by_inference else [])}
    return sorted(columns) or ([] if LOCAL.isdisjoint(group_by) else ["state"])


def _dimensions(tags: int, group_by: Sequence[str], book: Book) -> dict[str, str]:
    """What must be the same of entries that are summed before their lines are named, and the SQL of each."""
    names = ["bucket", *(f"tag_{i}" for i in range(tags)), *_columns(group_by, book)]
    names += [word for word in group_by if word in LOCAL]
    found = {name: f"e.{name}" for name in names if name != "state"}
    # No two prices hold within one sum, so that its latest instant stands for all of them.
    return found | ({"span_ms": "roundDown(e.at_ms, {times_ms:Array(Int64)})"} if book.prices else {})


def _by(group_by: Sequence[str]) -> list[str]:
    return [f"by_{i}" for i in range(len(group_by))]


def _listed(names: Sequence[str]) -> str:
    return "".join(f"{name},\n    " for name in names)


def _rate_parts(book: Book) -> tuple[dict[str, str], dict[str, str]]:
    """What decides the price of entries, and what is summed to be charged."""
    of_key = "bucket IN ('keyed', 'outside_key_life')"
    model, provider = ("own_model", "own_provider") if book.by_inference else ("rate_model", "rate_provider")
    decides = {
        model: "assumeNotNull(toString(a.model_name))",
        provider: "assumeNotNull(toString(a.model_provider_name))",
        "has_model": "a.model_name IS NOT NULL",  # else it is an inference without model rows
        # Usage without a key's tags has the prices without tags.
        **{f"rate_tag_{i}": f"if({of_key}, ifNull(tag_{tag}, ''), '')" for i, tag in enumerate(book.tags)},
        "rate_ms": "if(a.at_ms < 0, -1, roundDown(a.at_ms, {times_ms:Array(Int64)}))",
        **({"pairs_before": "a.pairs_before"} if book.by_inference else {}),
    }
    summed = {
        "bought_cost": "sum(if(a.cached, 0, a.cost_usd))",
        "bought_unpriced": "sum(if(a.cached, 0, a.unpriced))",
        **({"of_charge": "sum(a.of_charge)"} if book.by_inference else {}),
    }
    return decides, summed
