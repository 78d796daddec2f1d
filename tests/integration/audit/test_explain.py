"""GET /audit/explain: every inference is explained as it is billed, by the events that made it so."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from keyledger.demo.gateway_rows import KeyUse, generate
from registry.instant import format_ms, from_ms, parse_instant, to_ms
from tests.support.api.service import assert_problem
from tests.support.audit.ledger_world import Ledger
from tests.support.bill_world import batch, chat, model, uuid7
from tests.support.oracle.truth import rows_of

FIGURES = (
    "input_tokens", "output_tokens", "cached_input_tokens", "cached_output_tokens", "cache_read_tokens",
    "cache_write_tokens", "cost_usd", "unpriced",
)  # fmt: skip
BILLABLE = f"""
SELECT toString(inference_id), toString(bucket), public_id, tags, {", ".join(FIGURES)}
FROM {{database}}.billable_usage
"""
V4 = UUID("7f0e8400-e29b-41d4-a716-446655440000")


def ms(key: dict[str, Any], name: str = "created_at") -> int:
    """An instant of a key in milliseconds."""
    return to_ms(parse_instant(key[name]))


async def explained(ledger: Ledger, inference_id: UUID | str, **query: Any) -> dict[str, Any]:
    """The explanation."""
    found: dict[str, Any] = await ledger.get(f"/audit/explain/{inference_id}", **query)
    return found


async def edit(ledger: Ledger, key: dict[str, Any], tags: dict[str, str | None], **query: str) -> dict[str, Any]:
    """The key after an edit by the writer or, of its past, by the admin, for Ada."""
    by = "admin" if "effective_at" in query else "writer"
    path, headers = f"/admin/api-keys/{key['public_id']}", {"Keyledger-On-Behalf-Of": "Ada Lovelace"}
    answer = await ledger.api.call("PATCH", path, by=by, json={"tags": tags}, params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    after: dict[str, Any] = answer.json()
    return after


async def test_each_tag_is_told_with_the_very_event_that_gave_it(ledger: Ledger) -> None:
    key = await ledger.api.make_key(tags={"customer_id": "acme", "env": "prod", "project_id": "p"})
    created = await ledger.api.head()
    move: dict[str, str | None] = {"customer_id": "globex", "env": None}
    await edit(ledger, key, move, effective_at=key["created_at"], reason="4711")
    corrected = await ledger.apply()
    await edit(ledger, key, {"customer_id": "hooli"}, reason="later")
    await ledger.apply()
    inference = uuid7(ms(key), 1)
    await ledger.serve([chat(inference, key["public_id"], customer_id="mallory")])
    found = await explained(ledger, inference)
    assert [(one["name"], one["value"], one["event"]["position"]) for one in found["tags"]] == [
        ("customer_id", "globex", corrected),
        ("env", None, corrected),
        ("project_id", "p", created),
    ]
    event = found["tags"][0]["event"]
    assert (event["actor"], event["actor_name"]) == (f"token-{ledger.api.token_ids['admin']}", "admin")
    assert (event["on_behalf_of"], event["reason"]) == ("Ada Lovelace", "4711")
    assert (event["effective_at"], event["type"]) == (key["created_at"], "TagsChanged")
    assert found["inference"]["claimed_tags"] == {"customer_id": "mallory"}
    assert found["key"]["tags"] == {"customer_id": "globex", "project_id": "p"}
    before = await explained(ledger, inference, known_at=created)
    assert [(one["name"], one["value"]) for one in before["tags"]] == [
        ("customer_id", "acme"),
        ("env", "prod"),
        ("project_id", "p"),
    ]
    assert (before["position"], before["known_at"], found["known_at"]) == (created, created, None)


async def test_the_arithmetic_is_that_of_the_line(ledger: Ledger) -> None:
    key = await ledger.api.make_key(tags={"customer_id": "acme"})
    await ledger.apply()
    at = ms(key)
    inference, ids = uuid7(at, 1), [uuid7(at, serial) for serial in range(11, 15)]
    twice = model(ids[0], inference, cost=Decimal("0.100000001"))
    await ledger.serve([
        chat(inference, key["public_id"]),
        chat(inference, key["public_id"]),
        twice,
        twice,
        model(ids[1], inference, input_tokens=7, output_tokens=None, cost=Decimal("0.2")),
        model(ids[2], inference, cached=True, cost=Decimal(0)),
        model(ids[3], inference, model_name="own", cost=None),
        model(ids[3], inference, model_name="Own", cost=Decimal(9)),
    ])  # fmt: skip
    found = await explained(ledger, inference)
    assert {one["figure"]: (one["terms"], one["sum"]) for one in found["arithmetic"]} == {
        "input_tokens": ([10, 7, 10], 27),
        "output_tokens": ([5, 0, 5], 10),
        "cached_input_tokens": ([10], 10),
        "cached_output_tokens": ([5], 5),
        "cache_read_tokens": ([0, 0, 0], 0),
        "cache_write_tokens": ([0, 0, 0], 0),
        "cost_usd": (["0.100000001", "0.2", "0"], "0.300000001"),
        "unpriced": ([1], 1),
    }
    assert found["usage"] == {one["figure"]: one["sum"] for one in found["arithmetic"]}
    assert [(one["id"], one["model"], one["rows"], one["differ"]) for one in found["models"]] == [
        (str(ids[0]), "gpt", 2, False),
        (str(ids[1]), "gpt", 1, False),
        (str(ids[2]), "gpt", 1, False),
        (str(ids[3]), "own", 2, True),
    ]
    (row,) = found["inference"]["rows"]
    assert (row["table"], row["rows"]) == ("ChatInference", 2)
    booleans = [row["wins"], *(one[name] for one in found["models"] for name in ("cached", "differ"))]
    assert all(isinstance(one, bool) for one in booleans), "in JSON 1 is no boolean"
    assert row["wins"]
    since, until = from_ms(at), from_ms(at + 1)
    bill = await ledger.world.bill(group_by=("customer_id",), since=since, until=until)
    (line,) = bill["lines"]
    assert {name: line[name] for name in FIGURES} == found["usage"]


async def test_of_rows_that_differ_the_one_that_counts_is_told(ledger: Ledger) -> None:
    key = await ledger.api.make_key()
    await ledger.apply()
    inference = uuid7(ms(key), 1)
    await ledger.serve([
        chat(inference, key["public_id"], function="a"),
        chat(inference, key["public_id"], function="b", table="JsonInference"),
    ])  # fmt: skip
    found = await explained(ledger, inference)
    assert found["inference"]["function"] == "b"
    assert [(one["table"], one["function"], one["wins"]) for one in found["inference"]["rows"]] == [
        ("JsonInference", "b", True),
        ("ChatInference", "a", False),
    ]


async def test_each_bucket_has_its_reason_in_words(ledger: Ledger) -> None:
    expires = format_ms(parse_instant("2099-01-01T00:00:00Z"))
    key = await ledger.api.make_key(expiration=expires)
    at, public_id = ms(key), key["public_id"]
    ended = (await ledger.api.call("DELETE", f"/admin/api-keys/{(await ledger.api.make_key())['public_id']}")).json()
    head = await ledger.apply()
    expired, early, late = uuid7(to_ms(parse_instant(expires))), uuid7(at - 1), uuid7(ms(ended, "revoked_at"))
    batched, orphan, unkeyed, unknown, garbage = (uuid7(at, serial) for serial in range(1, 6))
    await ledger.serve([
        chat(V4, public_id), chat(batched, public_id), batch(batched), model(uuid7(at, 9), orphan),
        chat(unkeyed, None), chat(unknown, "Nobodys0Key0"), chat(garbage, "\0'; DROP"), chat(early, public_id),
        chat(late, ended["public_id"]), chat(expired, public_id), chat(uuid7(at, 6), public_id),
    ])  # fmt: skip
    revoked_at, created_at = ended["revoked_at"], key["created_at"]
    reasons = {
        V4: ("bad_id", "its id is no version 7 UUID: it has no instant, belongs to no period, and is in every bill"),
        batched: ("batch", "it came through a batch request, where the key tag is not the gateway's word"),
        orphan: ("orphan", "there are model rows of it, but no inference row that could name a key"),
        unkeyed: ("unkeyed", "its row names no key"),
        unknown: ("unknown_key", f"no key with its credential was known at position {head}"),
        garbage: ("unknown_key", f"no key with its credential was known at position {head}"),
        early: (
            "outside_key_life",
            f"at {format_ms(from_ms(at - 1))} the key was not created yet: it was at {created_at}",
        ),
        late: ("outside_key_life", f"at {revoked_at} the key was revoked, since {revoked_at}"),
        expired: ("outside_key_life", f"at {expires} the key had expired, at {expires}"),
        uuid7(at, 6): (
            "keyed",
            f"at {created_at} its key was alive: created at {created_at}, and neither ended nor interrupted by then",
        ),
    }
    for inference, (bucket, reason) in reasons.items():
        found = await explained(ledger, inference)
        assert (found["bucket"], found["reason"], found["disagreements"]) == (bucket, reason, []), inference
    made = next(one for one in (await ledger.get(f"/audit/history/{public_id}"))["items"])["position"]
    assert (await explained(ledger, uuid7(at, 6), known_at=made - 1))["reason"] == (
        f"no key with its credential was known at position {made - 1}: it was created at position {made}"
    )
    assert (await explained(ledger, orphan))["inference"] is None


async def test_an_id_that_no_row_has_is_not_found(ledger: Ledger) -> None:
    await ledger.apply()
    await ledger.serve([batch(uuid7(1, 1))])
    for inference in (uuid7(1, 1), uuid7(1, 2), V4):
        assert_problem(await ledger.ask(f"/audit/explain/{inference}"), 404)
    assert_problem(await ledger.ask("/audit/explain/no-uuid"), 422, "inference_id")


async def test_a_ledger_that_is_not_as_the_log_is_said_to_be_wrong(ledger: Ledger) -> None:
    key = await ledger.api.make_key(tags={"customer_id": "acme"})
    head = await ledger.apply()
    inference = uuid7(ms(key), 1)
    await ledger.serve([chat(inference, key["public_id"])])
    forged = ("customer_id", key["public_id"], ms(key) - 1, head, "mallory", 0)
    store = ledger.api.services.store
    await store.insert_tag_changes([forged])
    assert (await explained(ledger, inference))["disagreements"] == []
    await store.insert_tag_changes([("env", *forged[1:])])
    assert (await explained(ledger, inference))["disagreements"] == [
        "the tag env has another value in ClickHouse than the log gives"
    ]
    await store.insert_life([(key["public_id"], ms(key), head, "revoked", None, 0)])
    found = await explained(ledger, inference)
    assert found["bucket"] == "outside_key_life"
    assert found["disagreements"][0] == "the bill has it in outside_key_life, but by the log it is in keyed"


@dataclass(frozen=True)
class Filled:
    """What was generated."""

    ids: list[str]
    positions: list[int]


async def fill(ledger: Ledger, seed: int) -> Filled:
    """Keys that are made, edited now and in the past, expired and revoked, and three seconds of every kind of usage."""
    chance, uses, positions = random.Random(seed), list[KeyUse](), [0]
    for number in range(4):
        key = await ledger.api.make_key(tags={"customer_id": f"c{number}", "env": "prod"})
        positions.append(await ledger.api.head())
        for _ in range(4):
            tags = {chance.choice(("customer_id", "env", "new")): chance.choice((None, "x", "ü b"))}
            back = {"effective_at": key["created_at"], "reason": "x"} if chance.random() < 0.5 else {}
            await edit(ledger, key, tags, **back)
            positions.append(await ledger.api.head())
        until = None
        if number % 2:
            ended = await ledger.api.call("DELETE", f"/admin/api-keys/{key['public_id']}")
            until = ms(ended.json(), "revoked_at")
        uses.append(KeyUse(key["public_id"], ms(key) - 20, until))
    since = min(use.since_ms for use in uses)
    made = generate(seed, uses, since, since + 3000, 80)
    rows = rows_of([made])
    conflicting = [{**row, "model_name": "zzz"} for row in rows if row["table"] == "ModelInference"][:3]
    for table in made.tables:
        columns = [row for row in [*rows, *conflicting] if row["table"] == table]
        await ledger.serve([_narrow(row) for row in columns])
    ids = {str(row.get("inference_id", row.get("id"))) for row in rows}
    await ledger.apply()
    return Filled(sorted(ids), positions)


def _narrow(row: dict[str, Any]) -> dict[str, Any]:
    """The columns that matter, as every row of a table has them."""
    names = {
        "ModelInference": (
            "id", "inference_id", "model_name", "model_provider_name", "input_tokens", "output_tokens", "cached", "cost"
        ),
        "BatchIdByInferenceId": ("inference_id", "batch_id"),
    }.get(row["table"], ("id", "function_name", "tags"))  # fmt: skip
    narrow = {name: row[name] for name in names}
    if "batch_id" in narrow:
        narrow["batch_id"] = UUID(narrow["batch_id"])
    return {"table": row["table"], **narrow}


async def all_explained(ledger: Ledger, ids: list[str]) -> list[dict[str, Any]]:
    """The explanations, as many at once as one token may have."""
    found = []
    for first in range(0, len(ids), 16):
        found += await asyncio.gather(*(explained(ledger, one) for one in ids[first : first + 16]))
    return found


@pytest.mark.parametrize("most", [1, pytest.param(1000, marks=pytest.mark.long)])  # of each bucket
async def test_every_inference_of_a_world_is_explained_as_it_is_billed(ledger: Ledger, most: int) -> None:
    filled = await fill(ledger, seed=11)
    billable = {row[0]: row[1:] for row in await ledger.world.select(BILLABLE)}
    assert billable.keys() == set(filled.ids)
    assert {row[0] for row in billable.values()} == {
        "bad_id", "batch", "orphan", "unkeyed", "unknown_key", "outside_key_life", "keyed"
    }  # fmt: skip
    of_bucket: dict[str, list[str]] = {}
    for inference, (bucket, *_) in sorted(billable.items()):
        of_bucket.setdefault(bucket, []).append(inference)
    chance = random.Random(11)
    asked = [one for ids in of_bucket.values() for one in chance.sample(ids, min(most, len(ids)))]
    for found in await all_explained(ledger, asked):
        bucket, public_id, tags, *figures = billable[found["inference_id"]]
        assert found["disagreements"] == []
        assert (found["bucket"], found["public_id"] or "") == (bucket, public_id)
        assert {one["name"]: one["value"] for one in found["tags"] if one["value"] is not None} == dict(tags)
        usage = found["usage"]
        shown = [None if usage[name] is None else Decimal(usage[name]) for name in FIGURES]
        assert shown == [None if value is None else Decimal(value) for value in figures]
        assert {one["figure"]: one["sum"] for one in found["arithmetic"]} == usage


@pytest.mark.parametrize("count", [2, pytest.param(15, marks=pytest.mark.long)])
async def test_as_known_at_any_position_it_is_explained_as_it_was_billed(ledger: Ledger, count: int) -> None:
    filled, chance = await fill(ledger, seed=12), random.Random(12)
    instants = Counter(UUID(one).int >> 80 for one in filled.ids)
    alone = [one for one in filled.ids if UUID(one).version == 7 and instants[UUID(one).int >> 80] == 1]
    for inference in chance.sample(alone, count):
        known_at = chance.choice(filled.positions)
        found = await explained(ledger, inference, known_at=known_at)
        assert found["disagreements"] == []
        at = parse_instant(found["at"])
        bill = await ledger.world.bill(since=at, until=at + timedelta(milliseconds=1), known_at=known_at)
        (billed,) = [one for one in bill["coverage"] if one["inferences"] and one["bucket"] != "bad_id"]
        assert (billed["bucket"], billed["inferences"]) == (found["bucket"], 1)
        assert {name: billed[name] for name in FIGURES} == found["usage"]
        held = [
            tags
            for public_id, since_ms, until_ms, tags in await ledger.world.intervals(known_at)
            if public_id == found["public_id"] and since_ms <= to_ms(at) and not (until_ms and until_ms <= to_ms(at))
        ]
        told = {one["name"]: one["value"] for one in found["tags"] if one["value"] is not None}
        assert told == (held[0] if held else {})
