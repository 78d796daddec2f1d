"""A brute-force oracle: bills, coverage and tag intervals by loops over facts and rows, with no SQL and nothing shared
with what it checks.

A *fact* is one thing that one event said; an event may say several at one position. A *row* is a dict with a member
`table` and the gateway's columns (ids as `uuid.UUID`, cost as `Decimal`, None for NULL, `tags` as a dict).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

BUCKETS = ("bad_id", "batch", "orphan", "unkeyed", "unknown_key", "outside_key_life", "keyed")
KEY_TAG = "tensorzero::api_key_public_id"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Row = dict[str, Any]
Interval = tuple[str, int, int | None, dict[str, str]]


@dataclass(frozen=True)
class Fact:
    """One of: key_created, tag, key_expiration, suspended, resumed, key_revoked, credential_created,
    credential_expiration, credential_revoked.

    `tag` and `value` go with tag (None: removed); `expires_ms` with created and expiration (None: never).
    """

    position: int
    effective_ms: int
    kind: str
    public_id: str
    credential_id: str = ""
    tag: str = ""
    value: str | None = None
    expires_ms: int | None = None


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
) -> dict[str, Any]:
    """The parts of a bill that depend on facts and rows.

    Lines, total, late_lines, coverage, usage but its fingerprint.
    """
    known = [fact for fact in facts if fact.position <= known_at]
    usage = _Usage(rows, since_ms, until_ms)
    lines: dict[tuple[str | None, ...], _Line] = {}
    late: dict[tuple[str | None, ...], _Line] = {}
    total, coverage = _Line(), {bucket: _Line() for bucket in BUCKETS}
    for number in usage.ids:
        inference, models = usage.inference(number), usage.models(number)
        bucket = _bucket(number, inference, usage, known)
        coverage[bucket].add(number, models)
        if bucket not in ("keyed", "outside_key_life"):
            continue
        assert inference is not None
        key = _key_of(known, inference["tags"][KEY_TAG])
        of_key = _tags_at(known, key, _ms(number))
        if any(of_key.get(name) != value for name, value in tags):
            continue
        if bucket == "keyed":
            total.add(number, models)
        nothing: list[Row | None] = [None]
        for model in models or nothing:
            by = tuple(_label(name, number, inference, model, of_key, time_zone) for name in group_by)
            where = lines if bucket == "keyed" else late
            where.setdefault(by, _Line()).add(number, [] if model is None else [model])
    return {
        "lines": _in_order(lines, group_by),
        "total": total.json(),
        "late_lines": _in_order(late, group_by),
        "coverage": [{"bucket": bucket, **line.json()} for bucket, line in coverage.items()],
        "usage": usage.json(),
    }


def oracle_intervals(facts: Sequence[Fact], known_at: int) -> list[Interval]:
    """(public_id, valid_from_ms, valid_until_ms or None, tags) of every key, as known at a position, sorted."""
    known = [fact for fact in facts if fact.position <= known_at]
    intervals: list[Interval] = []
    for public_id in sorted({fact.public_id for fact in known if fact.kind in ("key_created", "tag")}):
        changes = {f.effective_ms for f in known if f.public_id == public_id and f.kind in ("key_created", "tag")}
        starts = sorted(changes)
        for start, end in zip(starts, [*starts[1:], None], strict=True):
            intervals.append((public_id, start, end, _tags_at(known, public_id, start)))
    return intervals


class _Usage:
    """The deduplicated rows of a period, and those whose inference id has no instant."""

    def __init__(self, rows: Sequence[Row], since_ms: int, until_ms: int) -> None:
        def enters(number: int) -> bool:
            return not _is_v7(number) or since_ms <= _ms(number) < until_ms

        self._now_ms = (datetime.now(UTC) - EPOCH) // timedelta(milliseconds=1)
        ids = [
            row["id" if row["table"] in ("ChatInference", "JsonInference") else "inference_id"].int
            for row in rows
            if row["table"] != "BatchIdByInferenceId"
        ]
        self._after_now = [_ms(number) for number in ids if _is_v7(number) and _ms(number) > self._now_ms]
        inferences: dict[int, list[Row]] = {}
        models: dict[UUID, list[Row]] = {}
        self.batch: set[int] = set()
        for row in rows:
            if row["table"] in ("ChatInference", "JsonInference"):
                inferences.setdefault(row["id"].int, []).append(row)
            elif row["table"] == "ModelInference":
                models.setdefault(row["id"], []).append(row)
            else:
                self.batch.add(row["inference_id"].int)
        self._inferences = {n: max(same, key=_inference_rank) for n, same in inferences.items() if enters(n)}
        winners = {i: max(same, key=_model_rank) for i, same in models.items()}
        self._models = [row for row in winners.values() if enters(row["inference_id"].int)]
        self.ids = sorted({*self._inferences, *(row["inference_id"].int for row in self._models)})
        self._conflicts = sum(_differ(inferences[n], _inference_rank) for n in self._inferences)
        self._conflicts += sum(_differ(models[row["id"]], _model_rank) for row in self._models)

    def inference(self, number: int) -> Row | None:
        return self._inferences.get(number)

    def models(self, number: int) -> list[Row]:
        return [row for row in self._models if row["inference_id"].int == number]

    def json(self) -> dict[str, Any]:
        instants = [_ms(number) for number in self.ids if _is_v7(number) and _ms(number) <= self._now_ms]
        return {
            "rows": len(self._inferences) + len(self._models),
            "seen_until": _instant(max(instants, default=None)),
            "conflicting_duplicates": self._conflicts,
            "after_now": {"rows": len(self._after_now), "latest": _instant(max(self._after_now, default=None))},
        }


class _Line:
    """Sums of one line, bucket or total."""

    def __init__(self) -> None:
        self._ids: set[int] = set()
        self._rows: list[Row] = []

    def add(self, number: int, models: Iterable[Row]) -> None:
        self._ids.add(number)
        self._rows += models

    def json(self) -> dict[str, Any]:
        with localcontext(prec=80):
            cost = sum((row["cost"] for row in self._rows if row["cost"] is not None), Decimal(0))
            whole = f"{cost:.20f}".rstrip("0").rstrip(".")
        return {
            "inferences": len(self._ids),
            "input_tokens": self._tokens("input_tokens", cached=False),
            "output_tokens": self._tokens("output_tokens", cached=False),
            "cached_input_tokens": self._tokens("input_tokens", cached=True),
            "cached_output_tokens": self._tokens("output_tokens", cached=True),
            "cost_usd": "0" if cost == 0 else whole,
            "unpriced": sum(row["cost"] is None for row in self._rows),
        }

    def _tokens(self, name: str, *, cached: bool) -> int:
        return sum(row[name] or 0 for row in self._rows if row["cached"] == cached)


def _in_order(lines: dict[tuple[str | None, ...], _Line], group_by: Sequence[str]) -> list[dict[str, Any]]:
    def null_last(by: tuple[str | None, ...]) -> list[tuple[bool, bytes]]:
        return [(value is None, (value or "").encode()) for value in by]

    return [{"by": dict(zip(group_by, by, strict=True)), **lines[by].json()} for by in sorted(lines, key=null_last)]


def _label(  # noqa: PLR0911 - a word each
    name: str, number: int, inference: Row, model: Row | None, tags: dict[str, str], time_zone: str
) -> str | None:
    local = (EPOCH + timedelta(milliseconds=_ms(number))).astimezone(ZoneInfo(time_zone))
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


def _bucket(number: int, inference: Row | None, usage: _Usage, known: list[Fact]) -> str:
    if not _is_v7(number):
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
    return "keyed" if _alive(known, key, credential_id, _ms(number)) else "outside_key_life"


def _key_of(known: list[Fact], credential_id: str) -> str:
    for fact in known:
        if fact.kind == "credential_created" and fact.credential_id == credential_id:
            return fact.public_id
    return ""


def _alive(known: list[Fact], key: str, credential_id: str, at_ms: int) -> bool:
    so_far = [fact for fact in sorted(known, key=_effect_order) if fact.effective_ms <= at_ms]
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


def _tags_at(known: list[Fact], key: str, at_ms: int) -> dict[str, str]:
    tags: dict[str, str] = {}
    for fact in sorted(known, key=_effect_order):
        if fact.kind == "tag" and fact.public_id == key and fact.effective_ms <= at_ms:
            tags.pop(fact.tag, None)
            if fact.value is not None:
                tags[fact.tag] = fact.value
    return tags


def _effect_order(fact: Fact) -> tuple[int, int]:
    return fact.effective_ms, fact.position


def _instant(ms: int | None) -> str | None:
    if ms is None:
        return None
    at = EPOCH + timedelta(milliseconds=ms)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def _is_v7(number: int) -> bool:
    return number >> 76 & 15 == 7 and number >> 62 & 3 == 2 and number >> 80 < 253_402_300_800_000  # before 10000


def _ms(number: int) -> int:
    return number >> 80


def _inference_rank(row: Row) -> Any:
    tags = sorted((name.encode(), value.encode()) for name, value in row["tags"].items())
    return row["function_name"].encode(), tags


def _model_rank(row: Row) -> Any:
    def null_least(value: Any) -> tuple[bool, Any]:
        return value is not None, value or 0

    return (
        row["inference_id"].int,
        row["model_name"].encode(),
        row["model_provider_name"].encode(),
        null_least(row["input_tokens"]),
        null_least(row["output_tokens"]),
        row["cached"],
        null_least(row["cost"]),
    )


def _differ(same: list[Row], rank: Any) -> bool:
    return any(rank(row) != rank(same[0]) for row in same)
