"""The client knows every call of the document but those named here, each parameter of it, and all of each answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, get_origin

import msgspec
import pytest

from keyledger.client import Call, calls
from keyledger.client.calls import (
    cancel_scheduled,
    compare_bills,
    create_key,
    create_keys,
    create_token,
    edit_key,
    edit_keys,
    end_price,
    list_billed_inferences,
    list_events,
    list_key_events,
    list_keys,
    list_price_events,
    list_prices,
    list_tokens,
    resume_key,
    revoke_credential,
    revoke_key,
    revoke_token,
    rotate_key,
    rotate_token,
    set_price,
    set_tag_policy,
    show_bill,
    show_key,
    show_key_usage,
    show_price,
    show_tag_policy,
    suspend_key,
    verify_key,
)
from keyledger.http.app import public_document

DOCUMENT: Final[dict[str, Any]] = public_document()
ID: Final = "abcDEF123456"
WEBHOOK: Final = "3f1c7a52-6c0e-4b0e-9b53-0d4c1f6f3c11"
T: Final = "2026-03-01T00:00:00Z"
# Not in the client: audits and files, which commands make, and what probes ask.
LEFT_OUT: Final = re.compile(r"/audit/.*|/billing/(focus|periods.*)|/proof/.*|/(healthz|readyz|metrics)")
# Of headers, `Call` knows them; `cursor` is `items`', `what_if` and `group_by` of a change are `what_if`'s, `dry_run`
# is `try_tag_policy`'s; `round` is for CSV.
ELSEWHERE: Final = {"cursor", "what_if", "dry_run", "round"}
BILL: Final = show_bill(
    since=T, until=T, group_by=["a"], known_at=1, usage_known_at=1, tag=["a:b"], key=ID, time_zone="UTC", wait_for=1
)
# Every call with every parameter.
FULL: Final[dict[str, Call[Any]]] = {
    "createKey": create_key({"a": "b"}, description="d", expiration=T, organization="o", workspace="w"),
    "listKeys": list_keys(
        tag=["a:b"], has_tag=["a"], lacks_tag=["a"], status=["active"], organization="o", workspace="w", q="q",
        created_since=T, created_until=T, expires_since=T, expires_until=T, count=True, limit=1,
    ),
    "showKey": show_key(ID, at=T, known_at=1),
    "editKey": edit_key(ID, tags={}, description=None, expiration=None, effective_at=T, reason="r"),
    "revokeKey": revoke_key(ID, reason="r", wait_for="gateway"),
    "listKeyEvents": list_key_events(ID, limit=1),
    "suspendKey": suspend_key(ID, reason="r", wait_for="gateway"),
    "resumeKey": resume_key(ID, reason="r"),
    "rotateKey": rotate_key(ID, overlap_s=0),
    "revokeCredential": revoke_credential(ID, ID, reason="r", wait_for="gateway"),
    "cancelScheduled": cancel_scheduled(ID, 1, reason="r"),
    "createKeys": create_keys([{"tags": {"a": "b"}, "expiration": T}]),
    "editKeys": edit_keys(
        {"tags": {"a": "b"}}, patch={"tags": {}}, action="suspend", effective_at=T, reason="r", expected_count=1,
        dry_run=True,
    ),
    "createToken": create_token("n", ["keys:read"], expires_at=T, confined_to={"tags": {"a": "b"}}),
    "listTokens": list_tokens(limit=1),
    "showToken": calls.show_token(ID),
    "rotateToken": rotate_token(ID, overlap_s=1),
    "revokeToken": revoke_token(ID, reason="r"),
    "createWebhook": calls.create_webhook("https://portal.example/events", types=["KeyCreated"]),
    "listWebhooks": calls.list_webhooks(limit=1),
    "showWebhook": calls.show_webhook(WEBHOOK),
    "deleteWebhook": calls.delete_webhook(WEBHOOK),
    "rotateWebhook": calls.rotate_webhook(WEBHOOK, overlap_s=1),
    "testWebhook": calls.test_webhook(WEBHOOK),
    "listDeliveries": calls.list_deliveries(WEBHOOK, status=["dead"], limit=1),
    "replayDelivery": calls.replay_delivery(WEBHOOK, 1),
    "showTagPolicy": show_tag_policy(),
    "setTagPolicy": set_tag_policy({"a": {"required": True}}, closed=True, reason="r"),
    "showKeyUsage": show_key_usage(ID),
    "verifyKey": verify_key("x"),
    "setPrice": set_price(
        "p", model="*", currency="EUR", provider="v", tags={}, per_million={}, per_inference="1", cost_multiplier="1",
        effective_at=T, reason="r",
    ),
    "endPrice": end_price("p", effective_at=T, reason="r"),
    "showPrice": show_price("p", at=T, known_at=1),
    "listPrices": list_prices(at=T, known_at=1, limit=1),
    "listPriceEvents": list_price_events("p", limit=1),
    "showBill": BILL,
    "compareBills": compare_bills(BILL, base_known_at=1, base_usage_known_at=1, base_since=T, base_until=T),
    "listBilledInferences": list_billed_inferences(BILL, by=["a:b"], bucket="keyed", limit=1),
    "listEvents": list_events(1, types=["KeyCreated"], limit=1, wait_s=1),
}  # fmt: skip


def resolved(schema: Any) -> Any:
    """A schema, or a parameter, that may be named."""
    while "$ref" in schema:
        found: Any = DOCUMENT
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def operations() -> Iterator[tuple[str, str, str, Any]]:
    """Path, method, name and description of every call of the document."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation["operationId"], operation


OPERATIONS: Final = {name: (path, method, operation) for path, method, name, operation in operations()}


def test_every_call_is_in_the_client_or_left_out_by_its_path() -> None:
    left = {name for name, (path, _, _) in OPERATIONS.items() if LEFT_OUT.fullmatch(path)}
    assert OPERATIONS.keys() - left == FULL.keys(), "add a function to keyledger/client/calls, and a line here"
    named = {re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", name) for name in FULL}
    assert set(calls.__all__) == named | {"what_if", "try_tag_policy"}, "a function is named as its operation"


@pytest.mark.parametrize("name", FULL)
def test_a_call_is_that_of_the_document_with_every_parameter(name: str) -> None:
    (path, method, operation), call = OPERATIONS[name], FULL[name]
    assert call.method == method
    assert re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), call.path)
    queries = {one["name"] for one in map(resolved, operation.get("parameters", [])) if one["in"] == "query"}
    of_change = {"group_by"} if "what_if" in queries else set()
    assert queries - ELSEWHERE - of_change == call.query.keys()
    headers = {one["name"] for one in map(resolved, operation.get("parameters", [])) if one["in"] == "header"}
    assert ("Idempotency-Key" in headers) == call.takes_idempotency_key
    assert ("Keyledger-On-Behalf-Of" in headers) == call.changes


@pytest.mark.parametrize("name", [name for name, call in FULL.items() if call.body is not None])
def test_a_body_has_every_member(name: str) -> None:
    content = OPERATIONS[name][2]["requestBody"]["content"]
    schema = resolved(content["application/json"]["schema"])
    members = {
        member for one in schema.get("oneOf", schema.get("anyOf", [schema])) for member in resolved(one)["properties"]
    }
    body = {**FULL[name].body, **({"compromised": True} if name == "rotateKey" else {})}
    assert body.keys() == members


@pytest.mark.parametrize("name", FULL)
def test_an_answer_is_read_whole(name: str) -> None:
    answers = OPERATIONS[name][2]["responses"]
    (schema,) = [one["content"]["application/json"]["schema"] for status, one in answers.items() if status < "3"]
    # A change may be asked what it would do: the first is what it does.
    schema = schema.get("oneOf", schema.get("anyOf", [schema]))[0]
    assert faults(FULL[name].answer, schema, name) == []


def faults(kind: Any, schema: Any, place: str) -> list[str]:
    """Members of the document that the type lacks, and those that it needs and the document does not promise."""

    info = msgspec.inspect.type_info(kind)
    return list(_faults(info, schema, place))


def _faults(info: Any, schema: Any, place: str) -> Iterator[str]:
    schema = resolved(schema)
    if "anyOf" in schema:
        schema = next((resolved(one) for one in schema["anyOf"] if one.get("type") != "null"), {})
    if isinstance(info, msgspec.inspect.UnionType):
        info = next(one for one in info.types if not isinstance(one, msgspec.inspect.NoneType))
    if isinstance(info, msgspec.inspect.ListType) and schema.get("type") == "array":
        yield from _faults(info.item_type, schema["items"], f"{place}[]")
    if not isinstance(info, msgspec.inspect.StructType) or "properties" not in schema:
        return
    fields = {field.encode_name: field for field in info.fields}
    promised = set(schema.get("required", ()))
    yield from (f"{place}.{name} is not read" for name in schema["properties"] if name not in fields)
    yield from (
        f"{place}.{name} is not promised" for name, one in fields.items() if one.required and name not in promised
    )
    for name, member in schema["properties"].items():
        if name in fields:
            yield from _faults(fields[name].type, member, f"{place}.{name}")


def test_a_member_that_is_not_read_is_found() -> None:
    class Small(msgspec.Struct):
        """Less than a key."""

        public_id: str
        other: int

    found = faults(Small, {"$ref": "#/components/schemas/Key"}, "key")
    assert "key.tags is not read" in found
    assert "key.other is not promised" in found
    assert get_origin(FULL["listPrices"].answer) is not None, "pages are read item by item"
    assert faults(FULL["listPrices"].answer, {"$ref": "#/components/schemas/KeyPage"}, "page") != []
