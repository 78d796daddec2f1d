"""The OpenAPI document makes good clients: names that stay, words and an example for everything, clean schemas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from keyledger.http import app as http_app
from keyledger.http.app import public_document
from keyledger.http.openapi.document import openapi
from keyledger.http.openapi.names import operation_id
from keyledger.http.openapi.schemas import walk

DOCUMENT = public_document()
SCHEMAS: dict[str, dict[str, Any]] = DOCUMENT["components"]["schemas"]
OPERATIONS = {f"{method} {path}": one for path, of in DOCUMENT["paths"].items() for method, one in of.items()}
PROBLEM = "application/problem+json"
# What generated clients call: a name that changes here breaks programs that were written with them.
NAMES = {
    "compareBills": "get /billing/compare",
    "exportFocus": "get /billing/focus",
    "createKey": "post /admin/api-keys",
    "createToken": "post /admin/tokens",
    "listTokens": "get /admin/tokens",
    "showToken": "get /admin/tokens/{token_id}",
    "rotateToken": "post /admin/tokens/{token_id}/rotate",
    "revokeToken": "delete /admin/tokens/{token_id}",
    "showTagPolicy": "get /admin/tag-policy",
    "setTagPolicy": "put /admin/tag-policy",
    "createKeys": "post /admin/api-keys/bulk-create",
    "editKeys": "post /admin/api-keys/bulk-edit",
    "listKeys": "get /admin/api-keys",
    "showKey": "get /admin/api-keys/{public_id}",
    "editKey": "patch /admin/api-keys/{public_id}",
    "revokeKey": "delete /admin/api-keys/{public_id}",
    "suspendKey": "post /admin/api-keys/{public_id}/suspend",
    "resumeKey": "post /admin/api-keys/{public_id}/resume",
    "rotateKey": "post /admin/api-keys/{public_id}/rotate",
    "cancelScheduled": "delete /admin/api-keys/{public_id}/scheduled/{position}",
    "revokeCredential": "delete /admin/api-keys/{public_id}/credentials/{credential_id}",
    "listBilledInferences": "get /billing/inferences",
    "listKeyEvents": "get /admin/api-keys/{public_id}/history",
    "showKeyUsage": "get /admin/api-keys/{public_id}/usage",
    "setPrice": "put /admin/prices/{price_id}",
    "listPrices": "get /admin/prices",
    "showPrice": "get /admin/prices/{price_id}",
    "endPrice": "delete /admin/prices/{price_id}",
    "listPriceEvents": "get /admin/prices/{price_id}/history",
    "showBill": "get /billing/usage",
    "listHistory": "get /audit/history/{public_id}",
    "showState": "get /audit/state/{public_id}",
    "listStates": "get /audit/state",
    "showDiff": "get /audit/diff",
    "explainInference": "get /audit/explain/{inference_id}",
    "verifyBooks": "get /audit/verify",
    "exportLog": "get /audit/export",
    "verifyKey": "post /verify",
    "listEvents": "get /admin/events",
    "createWebhook": "post /admin/webhooks",
    "listWebhooks": "get /admin/webhooks",
    "showWebhook": "get /admin/webhooks/{webhook_id}",
    "deleteWebhook": "delete /admin/webhooks/{webhook_id}",
    "rotateWebhook": "post /admin/webhooks/{webhook_id}/rotate",
    "testWebhook": "post /admin/webhooks/{webhook_id}/test",
    "listDeliveries": "get /admin/webhooks/{webhook_id}/deliveries",
    "replayDelivery": "post /admin/webhooks/{webhook_id}/deliveries/{position}/replay",
    "checkHealth": "get /healthz",
    "checkReadiness": "get /readyz",
    "showMetrics": "get /metrics",
}
FIELDS = [(name, field) for name, schema in SCHEMAS.items() for field in schema.get("properties", {})]


def parameters() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every parameter, and the headers of answers, each with where it is."""
    for call, operation in OPERATIONS.items():
        for one in operation.get("parameters", ()):
            if "$ref" not in one:
                yield f"{call}: {one['name']}", one
    for kind in ("parameters", "headers"):
        for name, one in DOCUMENT["components"][kind].items():
            yield f"{kind}: {name}", one


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with what it refers to; its own words count."""
    if "$ref" not in schema:
        return schema
    return {**SCHEMAS[schema["$ref"].rpartition("/")[2]], **schema}


def parts(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a field consists of: itself, or what its list or choice has."""
    schema = resolved(schema)
    if "items" in schema:
        yield from parts(schema["items"])
    elif choices := schema.get("anyOf", schema.get("oneOf")):
        for one in choices:
            yield from parts(one)
    else:
        yield schema


def has_example(schema: dict[str, Any]) -> bool:
    """Whether a field has one, or consists of objects whose fields have."""
    found = resolved(schema)
    return bool(found.get("examples")) or any("properties" in one for one in parts(schema))


def test_the_document_is_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert [str(error) for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_the_name_of_an_operation_never_changes() -> None:
    assert {operation["operationId"]: call for call, operation in OPERATIONS.items()} == NAMES
    assert len(NAMES) == len(OPERATIONS), "two operations have one name"
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", name) for name in NAMES)


def test_calls_of_the_operator_are_not_in_the_public_document() -> None:
    assert [path for path in DOCUMENT["paths"] if path.startswith("/operator")] == []


def test_the_operators_app_has_a_document_too() -> None:
    """Its answers of 405 are made from it."""
    document = http_app._described(http_app._OPERATOR).openapi()
    assert [path for path in document["paths"] if path.startswith("/operator")]
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_a_route_without_words_and_a_body_without_a_name_do_not_break_the_document() -> None:
    app, text = FastAPI(generate_unique_id_function=operation_id), {"schema": {"type": "string"}}

    @app.post("/load", openapi_extra={"requestBody": {"content": {"text/csv": text}}})
    async def load_rows(_name: str | None = None) -> None:
        pass

    operation = openapi(app)["paths"]["/load"]["post"]
    assert operation["summary"] == "Load Rows"
    assert operation["requestBody"]["content"]["text/csv"] == text


def test_an_operation_without_summary_or_group_is_noticed() -> None:
    groups = [[one["name"]] for one in DOCUMENT["tags"]]
    for call, operation in OPERATIONS.items():
        assert 5 < len(operation["summary"]) <= 100, call
        assert not operation["summary"].endswith("."), call
        assert operation["tags"] in groups, call


def test_a_field_without_words_or_example_is_noticed() -> None:
    """Those of answers have theirs in keyledger/http/openapi/fields_of_*.py."""
    assert len(FIELDS) > 150
    fields = {f"{name}.{field}": SCHEMAS[name]["properties"][field] for name, field in FIELDS}
    assert [name for name, about in fields.items() if not about.get("description")] == []
    assert [name for name, about in fields.items() if not has_example(about)] == []


def test_a_schema_without_words_is_noticed() -> None:
    assert [name for name, schema in SCHEMAS.items() if not schema.get("description")] == []


def test_a_parameter_or_header_without_words_or_example_is_noticed() -> None:
    found = dict(parameters())
    assert len(found) > 40
    assert [where for where, one in found.items() if not one.get("description")] == []
    assert [where for where, one in found.items() if not resolved(one["schema"]).get("examples")] == []


def test_an_example_that_its_own_schema_refuses_is_noticed() -> None:
    fields = [(f"{name}.{field}", SCHEMAS[name]["properties"][field]) for name, field in FIELDS]
    for where, schema in [*fields, *((where, one["schema"]) for where, one in parameters())]:
        validator = OAS31Validator({**schema, "components": DOCUMENT["components"]})
        for example in schema.get("examples", ()):
            assert [error.message for error in validator.iter_errors(example)] == [], where


def test_a_body_or_answer_without_a_name_is_noticed() -> None:
    for call, operation in OPERATIONS.items():
        for answer in (operation.get("requestBody", {"content": {}}), *operation["responses"].values()):
            for media_type, content in answer.get("content", {}).items():
                if "json" in media_type and media_type != "application/x-ndjson":
                    schema = content["schema"]
                    choices = schema["anyOf"] if schema.keys() == {"anyOf"} else [schema]
                    assert all(choice.keys() == {"$ref"} for choice in choices), call
    assert [name for name in SCHEMAS if not re.fullmatch(r"([A-Z][a-z]+)+", name) or name.endswith("Out")] == []
    inline = [where for where in FIELDS if any("properties" in one for one in below(where))]
    assert inline == []


def below(where: tuple[str, str]) -> list[dict[str, Any]]:
    """The schemas that a field has in itself, not those that it refers to."""
    name, field = where
    return list(walk(SCHEMAS[name]["properties"][field]))


def test_a_component_that_nothing_uses_is_noticed() -> None:
    used = {one["$ref"] for one in walk(DOCUMENT) if "$ref" in one}
    made = {f"#/components/{kind}/{name}" for kind in ("schemas", "headers", "parameters")
            for name in DOCUMENT["components"][kind]}  # fmt: skip
    assert used == made


def test_bounds_of_numbers_are_numbers_and_long_integers_say_so() -> None:
    integers = [one for one in walk(DOCUMENT) if one.get("type") == "integer"]
    assert len(integers) > 50
    for schema in walk(DOCUMENT):
        assert not {"ge", "gt", "le", "lt"} & schema.keys(), schema
        assert not isinstance(schema.get("exclusiveMinimum"), bool)
        assert not isinstance(schema.get("exclusiveMaximum"), bool)
    for schema in integers:
        assert schema.get("maximum", 2**63) < 2**31 or schema["format"] == "int64"


def test_every_instant_is_a_date_time() -> None:
    # Written by what changed them: instants among other values.
    instants = [
        (name, field) for name, field in FIELDS if re.fullmatch(r".*_at|.*_until|at|since|until|expiration", field)
    ]
    positions = {"known_at", "usage_known_at", "anchored_at"}
    instants = [(name, field) for name, field in instants if field not in positions]
    assert len(instants) > 15
    for name, field in instants:
        kinds = [one.get("format", one["type"]) for one in parts(SCHEMAS[name]["properties"][field])]
        assert [kind for kind in kinds if kind != "null"] == ["date-time"], f"{name}.{field}"
    asked = {
        one["name"]: one["schema"].get("format") for where, one in parameters() if where.startswith("get /billing")
    }
    assert asked["since"] == asked["until"] == "date-time"


def test_a_field_of_its_schemas_own_name_is_noticed() -> None:
    """In a generated class such a field hides the type that the class has inside."""
    assert [one for one in FIELDS if one[0].lower() == one[1].replace("_", "")] == []


def test_what_a_body_leaves_out_has_no_default() -> None:
    """Generators make of it a member that must be given, or one that is sent all the same."""
    assert [one for one in FIELDS if "default" in SCHEMAS[one[0]]["properties"][one[1]]] == []


def test_a_query_has_no_null() -> None:
    for where, one in parameters():
        assert not any(part.get("type") == "null" for part in parts(one["schema"])), where


def answers() -> Iterator[tuple[str, dict[str, Any], bool, str, dict[str, Any]]]:
    """Every answer: its call and operation, whether a token is needed, its status, and the answer."""
    for call, operation in OPERATIONS.items():
        protected = re.search(r" /(admin|billing|audit|verify)(/|$)", call) is not None
        for status, answer in operation["responses"].items():
            yield call, operation, protected, status, answer


def test_a_header_that_answers_have_is_documented() -> None:
    for call, operation, protected, status, answer in answers():
        named = answer.get("headers", {}).keys()
        assert ("Retry-After" in named) is (status in {"429", "503"}), call
        assert "Keyledger-Position" in named or not protected or not status.startswith("2"), call
        makes_secret = operation["operationId"] in {"createKey", "createKeys", "rotateKey"} and status == "201"
        assert ("Keyledger-Gateway" in named) is makes_secret, call
        assert "Keyledger-Request-Id" in named, call


def test_the_person_for_whom_a_caller_acts_can_be_named_in_every_change() -> None:
    for call, operation in OPERATIONS.items():
        taken = [one.get("$ref", "").rpartition("/")[2] for one in operation.get("parameters", ())]
        assert ("OnBehalfOf" in taken) is (" /admin" in call and not call.startswith("get")), call


def test_every_failure_is_a_problem_and_callers_with_a_token_alone_get_a_401() -> None:
    for call, operation, protected, status, answer in answers():
        assert status.startswith("2") or status == "304" or list(answer["content"]) == [PROBLEM], call
        assert "500" in operation["responses"], call
        assert ("401" in operation["responses"]) is protected, call
        assert operation.get("security", []) == ([{"AdminToken": []}] if protected else []), call


def test_a_status_that_the_kind_of_a_call_brings_is_documented() -> None:
    for call, operation in OPERATIONS.items():
        given = operation["responses"].keys()
        # What is put is made where it is not there.
        assert ("404" in given) is ("{" in call and not call.startswith("put ")), call
        assert {"413", "415"} <= given or "requestBody" not in operation, call
        assert "422" in given or not operation.get("security"), call
    changes = {
        "createKey",
        "createKeys",
        "createToken",
        "rotateToken",
        "editKey",
        "editKeys",
        "suspendKey",
        "resumeKey",
        "rotateKey",
        "revokeKey",
        "revokeCredential",
        "cancelScheduled",
        "setPrice",
        "endPrice",
        "createWebhook",
        "rotateWebhook",
        "deleteWebhook",
        "testWebhook",
        "replayDelivery",
    }
    conflicts = {operation["operationId"] for operation in OPERATIONS.values() if "409" in operation["responses"]}
    bills = {"showBill", "compareBills", "listBilledInferences", "exportFocus"}
    assert conflicts == {*changes, *bills, "verifyBooks"}, "another state, another journal, or another log"


def test_a_client_knows_where_to_send_a_token() -> None:
    [server] = DOCUMENT["servers"]
    assert server["url"] == "/"
    assert DOCUMENT["components"]["securitySchemes"]["AdminToken"]["scheme"] == "bearer"
