"""A brute-force oracle: bills, coverage and tag intervals by loops over facts and rows, with no SQL and nothing shared
with what it checks.

A *fact* is one thing that one event said; an event may say several at one position. Rows are those of `rows`, prices
those of `prices`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.oracle.figures import Charged, Line
from tests.support.oracle.prices import PriceFact, charges_of
from tests.support.oracle.rows import EPOCH, Row, Usage, is_v7, ms_of

__all__ = ["BUCKETS", "EPOCH", "KEY_TAG", "Fact", "Interval", "Row", "known_facts", "oracle_bill", "oracle_intervals"]

BUCKETS = ("bad_id", "batch", "orphan", "unkeyed", "unknown_key", "outside_key_life", "keyed")
KEY_TAG = "tensorzero::api_key_public_id"
Interval = tuple[str, int, int | None, dict[str, str]]


@dataclass(frozen=True)
class Fact:
    """One of: key_created, tag, cancelled, key_expiration, suspended, resumed, key_revoked, credential_created,
    credential_expiration, credential_revoked.

    `tag` and `value` go with tag (None: removed); `expires_ms` with created and expiration (None: never); `cancels`
    with cancelled: the position of tags that never take effect.
    """

    position: int
    effective_ms: int
    kind: str
    public_id: str
    credential_id: str = ""
    tag: str = ""
    value: str | None = None
    expires_ms: int | None = None
    cancels: int = 0


def known_facts(facts: Sequence[Fact], known_at: int) -> list[Fact]:
    """What counts as known at a position."""
    known = [fact for fact in facts if fact.position <= known_at]
    never = [fact.cancels for fact in known if fact.kind == "cancelled"]
    return [fact for fact in known if fact.kind != "tag" or fact.position not in never]


def oracle_bill(
    facts: Sequence[Fact],
    rows: Sequence[Row],
    *,
    group_by: Sequence[str],
    since_ms: int,
    until_ms: int,
    known_at: int,
    tags: Sequence[tuple[str, str]] = (),
    time_zone: str = "UTC",
    prices: Sequence[PriceFact] = (),
    key: str | None = None,
) -> dict[str, Any]:
    """The parts of a bill that depend on facts, rows and prices; `key`: of what names a credential of that key alone.

    Lines, total, late_lines, coverage, usage but its fingerprint. No prices leave every row unrated.
    """
    made = _Bill(tags=tags, group_by=group_by, time_zone=time_zone)
    known = known_facts(facts, known_at)
    of_key = None if key is None else partial(_is_of, known, key)
    usage = Usage(rows, since_ms, until_ms, of_key)
    known_prices = [price for price in prices if price.position <= known_at]
    for number in usage.ids:
        inference, models = usage.inference(number), usage.models(number)
        bucket = _bucket(number, inference, usage, known)
        tags_then = _tags_of(inference, known) if bucket in ("keyed", "outside_key_life") else {}
        charges = charges_of(models, tags_then, ms_of(number) if is_v7(number) else None, known_prices)
        made.add(number, bucket, inference, tags_then, [(row, charges[row["id"]]) for row in models])
    return {**made.json(), "usage": usage.json()}


class _Bill:
    """The lines of a bill."""

    def __init__(self, *, tags: Sequence[tuple[str, str]], group_by: Sequence[str], time_zone: str) -> None:
        self._tags, self._group_by, self._time_zone = tags, group_by, time_zone
        self._lines: dict[tuple[str | None, ...], Line] = {}
        self._late: dict[tuple[str | None, ...], Line] = {}
        self._total = Line()
        self._coverage = {bucket: Line() for bucket in BUCKETS}

    def add(
        self, number: int, bucket: str, inference: Row | None, of_key: dict[str, str], models: Sequence[Charged]
    ) -> None:
        self._coverage[bucket].add(number, models)
        if bucket not in ("keyed", "outside_key_life"):
            return
        assert inference is not None
        if any(of_key.get(name) != value for name, value in self._tags):
            return
        if bucket == "keyed":
            self._total.add(number, models)
        nothing: list[Charged | None] = [None]
        for model in models or nothing:
            row = None if model is None else model[0]
            by = tuple(_label(name, number, inference, row, of_key, self._time_zone) for name in self._group_by)
            where = self._lines if bucket == "keyed" else self._late
            where.setdefault(by, Line()).add(number, [] if model is None else [model])

    def json(self) -> dict[str, Any]:
        return {
            "lines": _in_order(self._lines, self._group_by),
            "total": self._total.json(),
            "late_lines": _in_order(self._late, self._group_by),
            "coverage": [{"bucket": bucket, **line.json()} for bucket, line in self._coverage.items()],
        }


def oracle_intervals(facts: Sequence[Fact], known_at: int) -> list[Interval]:
    """(public_id, valid_from_ms, valid_until_ms or None, tags) of every key, as known at a position, sorted."""
    known = known_facts(facts, known_at)
    intervals: list[Interval] = []
    for public_id in sorted({fact.public_id for fact in known if fact.kind in ("key_created", "tag")}):
        changes = {f.effective_ms for f in known if f.public_id == public_id and f.kind in ("key_created", "tag")}
        starts = sorted(changes)
        for start, end in zip(starts, [*starts[1:], None], strict=True):
            intervals.append((public_id, start, end, _tags_at(known, public_id, start)))
    return intervals


def _in_order(lines: dict[tuple[str | None, ...], Line], group_by: Sequence[str]) -> list[dict[str, Any]]:
    def null_last(by: tuple[str | None, ...]) -> list[tuple[bool, bytes]]:
        return [(value is None, (value or "").encode()) for value in by]

    return [{"by": dict(zip(group_by, by, strict=True)), **lines[by].json()} for by in sorted(lines, key=null_last)]


def _label(  # noqa: PLR0911 - a word each
    name: str, number: int, inference: Row, model: Row | None, tags: dict[str, str], time_zone: str
) -> str | None:
    local = (EPOCH + timedelta(milliseconds=ms_of(number))).astimezone(ZoneInfo(time_zone))
    match name:
        case "model":
            return None if model is None else str(model["model_name"])
        case "provider":
            return None if model is None else str(model["model_provider_name"])
        case "function":
            return str(inference["function_name"])
        case "hour":
            return _hour(local)
        case "day":
            return f"{local:%Y-%m-%d}"
        case "month":
            return f"{local:%Y-%m}"
        case _:
            return tags.get(name)


def _hour(local: datetime) -> str:
    offset = local.utcoffset() or timedelta(0)
    minutes = round(offset.total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    return f"{local:%Y-%m-%dT%H}:00:00{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _bucket(number: int, inference: Row | None, usage: Usage, known: list[Fact]) -> str:
    if not is_v7(number):
        return "bad_id"
    if number in usage.batch:
        return "batch"
    if inference is None:
        return "orphan"
    credential_id = inference["tags"].get(KEY_TAG, "")
    if credential_id == "":
        return "unkeyed"
    key = _key_of(known, credential_id)
    if not any(fact.kind == "key_created" and fact.public_id == key for fact in known):
        return "unknown_key"
    return "keyed" if _alive(known, key, credential_id, ms_of(number)) else "outside_key_life"


def _key_of(known: list[Fact], credential_id: str) -> str:
    for fact in known:
        if fact.kind == "credential_created" and fact.credential_id == credential_id:
            return fact.public_id
    return ""


def _is_of(known: list[Fact], credential_id: str, inference: Row | None) -> bool:
    """Whether an inference names a credential of the key that this is one of."""
    key = _key_of(known, credential_id)
    return key != "" and inference is not None and _key_of(known, inference["tags"].get(KEY_TAG, "")) == key


def _alive(known: list[Fact], key: str, credential_id: str, at_ms: int) -> bool:
    mine = [fact for fact in known if fact.public_id == key or fact.credential_id == credential_id]
    so_far = [fact for fact in sorted(mine, key=_effect_order) if fact.effective_ms <= at_ms]
    of_key = [fact for fact in so_far if fact.public_id == key]
    of_credential = [fact for fact in so_far if fact.credential_id == credential_id]
    return _life(of_key, "key", at_ms) and _life(of_credential, "credential", at_ms)


def _life(facts: list[Fact], of: str, at_ms: int) -> bool:
    """Whether a key or a credential may be used at an instant, walking through all that happened to it until then."""
    created = revoked = suspended = False
    expires_ms: int | None = None
    for fact in facts:
        if fact.kind == f"{of}_created":
            created, expires_ms = True, fact.expires_ms
        elif fact.kind == f"{of}_expiration":
            expires_ms = fact.expires_ms
        elif fact.kind == f"{of}_revoked":
            revoked = True
        elif fact.kind in ("suspended", "resumed") and of == "key":
            suspended = fact.kind == "suspended"
    return created and not revoked and not suspended and (expires_ms is None or at_ms < expires_ms)


def _tags_of(inference: Row | None, known: list[Fact]) -> dict[str, str]:
    """The tags of an inference's key as of its instant."""
    assert inference is not None
    return _tags_at(known, _key_of(known, inference["tags"][KEY_TAG]), ms_of(inference["id"].int))


def _tags_at(known: list[Fact], key: str, at_ms: int) -> dict[str, str]:
    tags: dict[str, str] = {}
    of_key = [fact for fact in known if fact.kind == "tag" and fact.public_id == key and fact.effective_ms <= at_ms]
    for fact in sorted(of_key, key=_effect_order):
        tags.pop(fact.tag, None)
        if fact.value is not None:
            tags[fact.tag] = fact.value
    return tags


def _effect_order(fact: Fact) -> tuple[int, int]:
    return fact.effective_ms, fact.position
