"""The names that generated clients take: of operations, and of schemas, which are components wherever they are used."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi.routing import APIRoute

from projections.billing.figures import BUCKETS

REF: Final = "#/components/schemas/"
# Classes whose names say what they are for in Python, are made of two, or are those of a field that they have: in a
# generated class such a field hides its own type.
_NAMED: Final = {
    "Bucket": "CoverageBucket",
    "CredentialOut": "Credential",
    "ScheduledOut": "ScheduledChange",
    "Entry": "HistoryEntry",
    "EventOut": "Event",
    "FeedOut": "Feed",
    "Explanation_KeyOut_": "Explanation",
    "DeliveryOut": "Delivery",
    "KeyOut": "Key",
    "NewKeyOut": "NewKey",
    "NewWebhookOut": "NewWebhook",
    "Page_BilledInference_": "BilledInferencePage",
    "Page_DeliveryOut_": "DeliveryPage",
    "Page_Entry_": "HistoryPage",
    "Page_EventOut_": "EventPage",
    "Page_PriceOut_": "PricePage",
    "Page_WebhookOut_": "WebhookPage",
    "PriceOut": "Price",
    "Page_TokenOut_": "TokenPage",
    "ConfinementOut": "Confinement",
    "NewTokenOut": "NewToken",
    "TokenOut": "Token",
    "Sum": "FigureSum",
    "BreachOut": "Breach",
    "PolicyReportOut": "PolicyReport",
    "TagPolicyOut": "TagPolicy",
    "TagRuleOut": "TagRule",
    "SentTest": "TestDelivery",
    "WebhookOut": "Webhook",
}
_STATUSES: Final = ("revoked", "suspended", "expired", "active")
_TEXTS: Final = {"type": "object", "additionalProperties": {"type": "string"}}
_TEXTS_OR_NULL: Final = {
    "type": "object",
    "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "null"}]},
}
# What several schemas have under a name and in one shape is a component of its own: a client has one type for it.
_SHARED: Final[Mapping[str, tuple[set[str], Mapping[str, Any], str]]] = {
    "BucketName": ({"bucket"}, {"type": "string", "enum": list(BUCKETS)}, "Which bucket; the first that fits counts."),
    "KeyStatus": ({"status"}, {"type": "string", "enum": list(_STATUSES)}, "What a key is, the first that fits."),
    "Labels": (
        {"by"},
        _TEXTS_OR_NULL,
        "What a line is of: a value for each name of `group_by`; null where it has none.",
    ),
    "TagChanges": ({"tags"}, _TEXTS_OR_NULL, "Tags to set, by name; null removes the tag."),
    "Tags": ({"tags", "claimed_tags"}, _TEXTS, "Tags, by name."),
}


def operation_id(route: APIRoute) -> str:
    """The name of a route's function, as clients in most languages write it: `create_key` is `createKey`."""
    first, *others = route.name.split("_")
    return first + "".join(word.capitalize() for word in others)


def summarise(operation: dict[str, Any]) -> None:
    """Make the first sentence of an operation's description its summary, and name the answer by its status."""
    words = operation.pop("description", operation["summary"])
    first, _, rest = " ".join(words.split()).partition(". ")
    operation["summary"] = first.removesuffix(".")
    if rest:
        operation["description"] = rest
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            answer["description"] = HTTPStatus(int(status)).phrase


def name_schemas(document: dict[str, Any]) -> None:
    """Make a component of every body and of what several schemas share, and give all of them their names."""
    found = document["components"]["schemas"]
    for operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            content["schema"] = _hoisted(content["schema"], found)
        for parameter in operation.get("parameters", ()):
            parameter["schema"] = _shared(parameter["name"], parameter["schema"], found)
    for schema in list(found.values()):
        for name, about in schema.get("properties", {}).items():
            schema["properties"][name] = _shared(name, about, found)
    named = {_NAMED.get(name, name): schema for name, schema in found.items()}
    document["components"]["schemas"] = dict(sorted(named.items()))
    _rename(document)


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    """All operations of a document."""
    return [operation for methods in document["paths"].values() for operation in methods.values()]


def _hoisted(schema: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """A reference to the schema, which becomes a component under its title, as do its parts and choices."""
    if "title" not in schema:
        return schema
    if "oneOf" in schema:
        schema["oneOf"] = [_hoisted(one, found) for one in schema["oneOf"]]
    found.update(schema.pop("$defs", {}))
    found[schema["title"]] = schema
    return {"$ref": REF + schema["title"]}


def _shared(name: str, about: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """The schema of a property or parameter, with references to what is shared, in its own words."""
    for component, (properties, shape, words) in _SHARED.items():
        if name in properties and _has(about, shape):
            found[component] = {**shape, "description": words}
            own = {key: value for key, value in about.items() if key not in shape and key != "title"}
            return {"$ref": REF + component, **own}
    if "items" in about:
        return {**about, "items": _shared(name, about["items"], found)}
    if "anyOf" in about:
        return {**about, "anyOf": [_shared(name, one, found) for one in about["anyOf"]]}
    return about


def _has(about: Mapping[str, Any], shape: Mapping[str, Any]) -> bool:
    """Whether a schema has a shape; the order of an enum's values says nothing."""
    return all(
        sorted(about.get(key, ())) == sorted(value) if key == "enum" else about.get(key) == value
        for key, value in shape.items()
    )


def _rename(node: Any) -> None:
    """Rewrite every reference."""
    if isinstance(node, dict):
        target = node.get("$ref", "")
        if target.startswith(REF):
            name = target.removeprefix(REF)
            node["$ref"] = REF + _NAMED.get(name, name)
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            _rename(one)
