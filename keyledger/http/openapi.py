"""The OpenAPI document: what the framework makes of the routes, with what it can't know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from keyledger.http.answer.problem import Problem
from keyledger.http.request.strict_request import MAX_ON_BEHALF_OF

_ON_BEHALF_OF: Final = {
    "name": "Keyledger-On-Behalf-Of",
    "in": "header",
    "required": False,
    "description": "The person for whom the caller acts: recorded with the event as a claim.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_ON_BEHALF_OF},
}
# What fields mean in every answer that has them: results are plain values, which know nothing of documents.
_MEANINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "cost_usd": {
        "description": "a plain decimal string, exact",
        "examples": ["0.000125"],
        "pattern": r"^-?\d+(\.\d+)?$",
    },
    "by": {"examples": [{"customer_id": "acme"}]},
    "bucket": {"examples": ["keyed"]},
    "actor": {"description": "the admin token, as token-<id>, or operator"},
    "last_used_at": {"description": "null: never, as far as rows have come"},
    "seen_until": {"description": "the latest inference that has come; null: there is none"},
    "field": {"examples": ["tags.customer_id"]},
}


def openapi(app: FastAPI) -> dict[str, Any]:
    """The document of an app, made once."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = document["components"]["schemas"]
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        for schema in schemas.values():
            _name_fields(schema)
        problem_schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem_schema.pop("$defs"))
        schemas["Problem"] = problem_schema
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if path.startswith("/admin") and method != "get":
                    operation.setdefault("parameters", []).append(_ON_BEHALF_OF)
        app.openapi_schema = document
    return app.openapi_schema


def _name_fields(schema: dict[str, Any]) -> None:
    """Name the fields of an answer as `encode` does, and say what they mean."""
    if "properties" not in schema:
        return
    named = {name.removesuffix("_"): about for name, about in schema["properties"].items()}
    schema["properties"] = {name: {**about, **_MEANINGS.get(name, {})} for name, about in named.items()}
    if "required" in schema:
        schema["required"] = [name.removesuffix("_") for name in schema["required"]]
