"""What may happen to keys and what a gateway may write, as strategies of Hypothesis."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from hypothesis import strategies as st

from tests.support.bill_world import batch, chat, instant, model, uuid7
from tests.support.oracle.oracle import KEY_TAG, Fact, Row

BASE = instant("2026-03-29T00:59:59.990")  # ten milliseconds before the clocks of Berlin go forward
KEYS = ("keyAAAAAAAA1", "keyBBBBBBBB2")
SPARE = ("credCCCCCCC3", "credDDDDDDD4")
ends = st.sampled_from([*[None] * 42, *range(21)])  # most keys and credentials outlive the usage


@dataclass(frozen=True)
class Story:
    """What happened: the first `applied` positions are applied, later ones are half written."""

    facts: list[Fact]
    applied: int
    rows: list[Row]


@st.composite
def ledgers(draw: st.DrawFn) -> list[Fact]:
    """Facts of a dozen events about two keys: edits may be backdated, though not to before the key."""
    facts: list[Fact] = []
    created: dict[str, int] = {}
    spare = list(SPARE)
    credentials: dict[str, list[str]] = {}
    for position in range(1, draw(st.integers(1, 12)) + 1):
        key = draw(st.sampled_from(KEYS))
        if key not in created:
            at = created[key] = draw(st.integers(0, 8))
            credentials[key] = [key]
            facts += [
                Fact(position, at, "key_created", key, expires_ms=draw(ends)),
                Fact(position, at, "credential_created", key, credential_id=key),
                Fact(position, at, "tag", key, tag="customer_id", value=draw(st.sampled_from(["acme", "beta"]))),
            ]
            continue
        at = draw(st.integers(created[key], 20))
        kinds = [*["tag"] * 6, "cancelled", "key_expiration", "suspended", "resumed", "key_revoked", "credential"]
        kind = draw(st.sampled_from(kinds))
        if kind == "tag":
            for tag in draw(st.lists(st.sampled_from(["customer_id", "env"]), min_size=1, unique=True)):
                value = draw(st.sampled_from(["acme", "beta", "ü b", None, None]))
                facts.append(Fact(position, at, "tag", key, tag=tag, value=value))
        elif kind == "cancelled":
            tagged = sorted({f.position for f in facts if f.kind == "tag" and f.public_id == key})
            facts.append(Fact(position, at, kind, key, cancels=draw(st.sampled_from(tagged))))
        elif kind == "credential":
            change = draw(st.sampled_from(["credential_created", "credential_expiration", "credential_revoked"]))
            if change == "credential_created" and spare:
                credentials[key].append(spare.pop(0))
            of = credentials[key][-1] if change == "credential_created" else draw(st.sampled_from(credentials[key]))
            if change == "credential_created" and any(f.credential_id == of for f in facts):
                change = "credential_expiration"
            expires = draw(ends) if change != "credential_revoked" else None
            facts.append(Fact(position, at, change, key, credential_id=of, expires_ms=expires))
        else:
            expires = draw(ends) if kind == "key_expiration" else None
            facts.append(Fact(position, at, kind, key, expires_ms=expires))
    return [
        Fact(**{**vars(f), "effective_ms": BASE + f.effective_ms, "expires_ms": _from_base(f.expires_ms)})
        for f in facts
    ]


def _from_base(offset: int | None) -> int | None:
    return None if offset is None else BASE + offset


ids = st.builds(
    lambda at, serial: uuid7(BASE + at, serial), st.sampled_from([*range(-2, 23), *range(8, 23)]), st.integers(0, 1)
)
bad_ids = st.sampled_from(
    [
        UUID("7f0e8400-e29b-41d4-a716-446655440000"),  # version 4
        UUID("019d3755-0000-7000-c000-000000000001"),  # version 7, but not the RFC's variant
        UUID(int=0),
    ]
)
# One in eight is bad: of one strategy that is named several times, one_of takes one.
inference_ids = st.integers(0, 7).flatmap(lambda chance: bad_ids if chance == 7 else ids)
model_ids = st.integers(0, 12).map(lambda serial: uuid7(BASE, serial))
texts = st.sampled_from(["gpt", "gpt", "claude", "claude", "gpt\0", "gpt\0\1", ""])
tokens = st.sampled_from([None, 0, 1, 7, 4294967295])
cache_counts = st.sampled_from([None, None, 0, 1, 3, 4294967295])  # perhaps more than the input has
costs = st.sampled_from(
    [None, "0", "0.000000001", "0.1", "-0.000000003", "999999999.999999999", "-999999999.999999999"]
)
owners = st.sampled_from([*KEYS * 5, *SPARE, "unknownkey99", "", None])
claims = st.sampled_from([{}, {"customer_id": "mallory"}, {"z\0": "\0\1"}, {f"\0\0\1{KEY_TAG}": "x"}])
inference_rows = st.builds(
    lambda id_, key, table, function, claimed: chat(id_, key, table=table, function=function, **claimed),
    inference_ids,
    owners,
    st.sampled_from(["ChatInference", "JsonInference"]),
    texts,
    claims,
)
model_rows = st.builds(
    model,
    model_ids,
    inference_ids,
    model_name=texts,
    model_provider_name=texts,
    input_tokens=tokens,
    output_tokens=tokens,
    cached=st.booleans(),
    cost=costs.map(lambda text: None if text is None else Decimal(text)),
    provider_cache_read_input_tokens=cache_counts,
    provider_cache_write_input_tokens=cache_counts,
)


@st.composite
def usages(draw: st.DrawFn) -> list[Row]:
    """Rows of both kinds, orphans on both sides, some twice, some again with one column changed.

    Most model rows have their inference.
    """
    inferences = draw(st.lists(inference_rows, min_size=draw(st.sampled_from([4, 0])), max_size=10))
    models = draw(st.lists(model_rows, min_size=len(inferences), max_size=14))
    if inferences:
        owned = draw(st.lists(st.sampled_from(inferences), min_size=len(models), max_size=len(models)))
        strays = draw(st.sets(st.integers(0, 13), max_size=3))
        models = [
            row if number in strays else {**row, "inference_id": owner["id"]}
            for number, (row, owner) in enumerate(zip(models, owned, strict=True))
        ]
    rows = [*inferences, *models]
    again = draw(st.lists(st.sampled_from(rows), max_size=3)) if rows else []
    again += [draw(_changed(row)) for row in draw(st.lists(st.sampled_from(rows), max_size=2))] if rows else []
    batches = draw(st.lists(st.sampled_from(inferences), max_size=1)) if inferences else []
    return [*rows, *again, *(batch(row["id"]) for row in batches)]


@st.composite
def _changed(draw: st.DrawFn, row: Row) -> Row:
    """A row of the same id that another draw has one column of."""
    of_model = row["table"] == "ModelInference"
    other = draw(model_rows if of_model else inference_rows)
    column = draw(st.sampled_from(sorted(row.keys() - {"table", "id"})))
    return {**row, column: other[column]}


@st.composite
def stories(draw: st.DrawFn) -> Story:
    facts = draw(ledgers())
    last = facts[-1].position
    return Story(facts, draw(st.integers(max(0, last - 2), last)), draw(usages()))
