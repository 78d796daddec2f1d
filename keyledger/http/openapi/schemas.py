"""Schemas as generators of clients like them best: no titles of fields, widths of integers, no null in a query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

_BITS_32: Final = 2**31 - 1
# What is under these is data or names, not schemas.
_VALUES: Final = frozenset({"const", "default", "enum", "example", "examples", "required"})
_NAMES: Final = frozenset({"properties", "content", "headers", "responses"})


def clean(node: Any) -> None:
    """Clean all schemas below a part of the document."""
    for schema in walk(node):
        schema.pop("title", None)
        if schema.get("type") == "integer" and schema.get("maximum", _BITS_32 + 1) > _BITS_32:
            schema["format"] = "int64"


def walk(node: Any, *, of_names: bool = False) -> Iterator[dict[str, Any]]:
    """Every object below a part of the document that may be a schema."""
    if isinstance(node, list):
        for one in node:
            yield from walk(one)
    elif isinstance(node, dict):
        if not of_names:
            yield node
        for name, below in node.items():
            if of_names or name not in _VALUES:
                yield from walk(below, of_names=not of_names and name in _NAMES)


def clean_fields(schema: dict[str, Any]) -> None:
    """What a body leaves out is left out, and its words say what counts then.

    Of a field with a default generators make one that must be given, or that is sent all the same.
    """
    for about in schema.get("properties", {}).values():
        about.pop("default", None)


def clean_parameters(operation: dict[str, Any]) -> None:
    """A parameter that is not given is absent: a query has no null."""
    for parameter in operation.get("parameters", ()):
        schema = parameter.get("schema", {})
        choices = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
        if len(choices) == 1:
            del schema["anyOf"]
            schema.update(choices[0])
            if schema.get("default", "") is None:
                del schema["default"]
        # Said once, of the parameter.
        schema.pop("description", None)
