"""LiteLLM's public map of prices, model_prices_and_context_window.json: prices of providers, in USD per token.

How its names become those of a gateway: the model is the map's name without the provider that it begins with, the
provider is the map's, or what the gateway calls it (PROVIDERS). docs/prices.md says the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Context, Decimal
from hashlib import sha256
from typing import Any, Final

from registry.errors import FieldFault
from registry.prices.importing.rows import FileRefused, PriceRow, Wanted, checked
from registry.prices.terms import NewPrice, Terms

# What TensorZero calls the providers that LiteLLM calls otherwise.
PROVIDERS: Final[Mapping[str, str]] = {
    "bedrock": "aws_bedrock",
    "bedrock_converse": "aws_bedrock",
    "fireworks_ai": "fireworks",
    "gemini": "google_ai_studio_gemini",
    "sagemaker": "aws_sagemaker",
    "sagemaker_chat": "aws_sagemaker",
    "together_ai": "together",
    "vertex_ai-anthropic_models": "gcp_vertex_anthropic",
    "vertex_ai-language-models": "gcp_vertex_gemini",
}
# The calls that tokens alone pay for.
MODES: Final = ("chat", "completion", "responses", "embedding")
_AMOUNTS: Final[Mapping[str, str]] = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
}
_MILLION: Final = Decimal(10**6)
# No price has a digit so far from the point; what has none rounds nothing.
_DIGITS: Final = 40
_EXACT: Final = Context(prec=200)
_FOREIGN: Final = re.compile(r"[^A-Za-z0-9._-]")
_LONGER: Final = re.compile(r"_cost_per_token_above_\d+k_tokens$")
_SPECIMEN: Final = "sample_spec"


def read_litellm(text: str, wanted: Wanted) -> Iterator[PriceRow]:
    """The prices, and what is left out and why. Raises FileRefused for what is no such map."""
    try:
        # As it is written: through a float, 1.1e-06 would be another number.
        models = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except (ValueError, RecursionError) as error:
        raise FileRefused(f"is no JSON: {error}") from error
    if not isinstance(models, dict) or not all(isinstance(one, dict) for one in models.values()):
        raise FileRefused("is no map of LiteLLM: it must be one object of an object for each model")
    lines, taken = _lines(text), dict[tuple[str, str], int]()
    for name, about in models.items():
        if name != _SPECIMEN:
            row = _row(lines.get(name, 1), name, about, wanted, taken)
            if row is not None:
                yield row


def _row(
    line: int, name: str, about: Mapping[str, Any], wanted: Wanted, taken: dict[tuple[str, str], int]
) -> PriceRow | None:
    given = about.get("litellm_provider")
    if not isinstance(given, str):
        return PriceRow(line, name, left_out="has no litellm_provider") if wanted.fits(name, None) else None
    provider = PROVIDERS.get(given, given)
    bare = name.removeprefix(f"{given}/")
    model = f"{provider}::{bare}" if wanted.shorthand else bare
    if not (wanted.fits(model, provider) or wanted.fits(name, given)):
        return None
    if why := _why_not(about):
        return PriceRow(line, name, left_out=why)
    if (first := taken.setdefault((model, provider), line)) != line:
        return PriceRow(line, name, left_out=f"is the model {model} of {provider}, as line {first} is")
    amounts, fault = _amounts(about)
    if fault is not None:
        return PriceRow(line, name, faults=(fault,))
    price = NewPrice(_price_id(provider, bare), model, provider, {}, Terms("USD", amounts, None, None))
    longer = any(_LONGER.search(field) for field in about)
    return checked(line, price, "its higher prices of long prompts are not taken over" if longer else None)


def _why_not(about: Mapping[str, Any]) -> str | None:
    mode = about.get("mode")
    if mode not in MODES:
        return f"is of the mode {mode}: only {', '.join(MODES)} are paid for by tokens alone"
    costs = [about[field] for field in _AMOUNTS.values() if field in about]
    if not costs:
        return "has no price per token"
    return "has prices of 0 alone, as the map has where none is known" if not any(costs) else None


def _amounts(about: Mapping[str, Any]) -> tuple[dict[str, str], FieldFault | None]:
    amounts = {}
    for name, field in _AMOUNTS.items():
        cost = about.get(field)
        if cost is None:
            continue
        if not isinstance(cost, Decimal):
            return {}, FieldFault(field, "must be a number")
        if cost and not -_DIGITS < cost.adjusted() < _DIGITS:
            return {}, FieldFault(field, "is no price of a token")
        amounts[name] = format(_EXACT.multiply(cost, _MILLION).normalize(_EXACT), "f")
    return amounts, None


def _price_id(provider: str, model: str) -> str:
    """The same for the same model in every version of the map; two models never have one."""
    wanted = f"{provider}.{model}"
    plain = _FOREIGN.sub("-", wanted)
    if plain == wanted and len(plain) <= 128:
        return plain
    return f"{plain[:119]}-{sha256(wanted.encode()).hexdigest()[:8]}"


def _lines(text: str) -> dict[str, int]:
    """Where each model begins: the parser does not say. The map is indented, a model to a line."""
    begins = re.compile(r'\s{1,8}("(?:[^"\\]|\\.)*")\s*:\s*\{')
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if match := begins.match(line):
            found.setdefault(json.loads(match[1]), number)
    return found
