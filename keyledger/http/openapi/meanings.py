"""What the fields of answers mean, with an example each: results are plain values, which know nothing of documents.

A field means the same in every answer that has it; where it doesn't, its schema is named too. What the field itself
says, as those of bodies do, counts first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from keyledger.http.openapi.fields_of_audits import AUDITS
from keyledger.http.openapi.fields_of_bills import BILLS
from keyledger.http.openapi.fields_of_keys import KEYS
from keyledger.http.openapi.fields_of_policy import POLICY
from keyledger.http.openapi.fields_of_prices import PRICES
from keyledger.http.openapi.fields_of_webhooks import WEBHOOKS

Meaning = tuple[str, Any]
_MEANINGS: Final[Mapping[str, Meaning]] = {**KEYS, **POLICY, **PRICES, **BILLS, **AUDITS, **WEBHOOKS}
_DECIMAL: Final = {"pattern": r"^-?\d+(\.\d+)?$"}
_MONEY: Final = {"amount": _DECIMAL, "cost_usd": _DECIMAL}


def describe(name: str, schema: dict[str, Any]) -> None:
    """Name the fields of a schema as `encode` does, and say what they mean."""
    if "description" in schema:
        schema["description"] = schema["description"].replace("None", "null")  # in words for Python
    if "properties" not in schema:
        return
    named = {field.removesuffix("_"): about for field, about in schema["properties"].items()}
    schema["properties"] = {field: {**_meaning(name, field, about), **about} for field, about in named.items()}
    if "required" in schema:
        schema["required"] = [field.removesuffix("_") for field in schema["required"]]


def _meaning(name: str, field: str, about: Mapping[str, Any]) -> dict[str, Any]:
    found = _MEANINGS.get(f"{name}.{field}", _MEANINGS.get(field))
    if found is None:
        return {}
    description, example = found
    # What consists of parts has their examples.
    examples = {} if example is None else {"examples": [example]}
    money = _MONEY.get(field, {}) if about.get("type") == "string" else {}
    return {"description": description, **examples, **money}
