"""The body and queries of calls on prices. What a price may be, the registry says."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from keyledger.http.billing.what_if import WhatIfQuery
from keyledger.http.request.field_types import Instant
from keyledger.http.request.query_params import AsOfQuery, Cursor, Limit, ReasonQuery
from keyledger.http.request.request_body import Body
from registry.prices.commands import When
from registry.prices.terms import NewPrice, Terms

_MONEY = r"^(0|[1-9]\d{0,11})(\.\d{1,18})?$"


def _text(value: Any) -> Any:
    """A float has no exact value that a person wrote."""
    if value is not None and not isinstance(value, str):
        raise PydanticCustomError("amount", 'must be a decimal number as a string, such as "0.15"')
    return value


Amount = Annotated[str | None, BeforeValidator(_text), Field(json_schema_extra={"pattern": _MONEY})]
Name = Annotated[str, Field(strict=True)]


class PerMillion(Body):
    """Amounts per million tokens."""

    input: Amount = Field(
        None, description="input tokens; those of the provider's cache too, if not named", examples=["0.15"]
    )
    output: Amount = Field(None, description="output tokens", examples=["0.60"])
    cache_read: Amount = Field(
        None, description="input tokens that the provider read from its cache", examples=["0.075"]
    )
    cache_write: Amount = Field(
        None, description="input tokens that the provider wrote to its cache", examples=["0.19"]
    )
    cached_input: Amount = Field(
        None, description="input tokens of answers from the gateway's cache", examples=["0.01"]
    )
    cached_output: Amount = Field(
        None, description="output tokens of answers from the gateway's cache", examples=["0.02"]
    )


class PriceBody(Body):
    """A price to set."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": "llama-3.3-70b",
                    "tags": {"billing_tier": "gold"},
                    "currency": "EUR",
                    "per_million": {"input": "0.15", "output": "0.60"},
                }
            ]
        }
    )
    model: Name = Field(description="the model that it rates; `*`: any", examples=["llama-3.3-70b"])
    provider: Name | None = Field(None, description="the provider of the model; null: any", examples=["vllm"])
    tags: dict[Name, Name] = Field(
        {}, description="tags that the key must have at the inference", examples=[{"billing_tier": "gold"}]
    )
    currency: Name = Field(description="three capital letters, ISO 4217", examples=["EUR"])
    per_million: PerMillion | None = Field(None, description="amounts per million tokens", examples=[{"input": "0.15"}])
    per_inference: Amount = Field(None, description="once for each inference", examples=["0.002"])
    cost_multiplier: Amount = Field(
        None, description="the recorded cost times this; alone, and in USD", examples=["1.20"]
    )

    def price(self, price_id: str) -> NewPrice:
        """The price of that id."""
        given = {} if self.per_million is None else self.per_million.model_dump(exclude_none=True)
        terms = Terms(self.currency, given, self.per_inference, self.cost_multiplier)
        return NewPrice(price_id, self.model, self.provider, self.tags, terms)


class ChangeQuery(ReasonQuery, WhatIfQuery):
    """From when a price changes, why, and whether only to say what it would do."""

    effective_at: Instant | None = Field(
        None,
        description="from when it counts, up to 366 days ahead; past instants need prices:backdate and a reason",
        examples=["2026-03-01T00:00:00Z"],
    )

    def when(self, *, may_backdate: bool) -> When:
        """As the registry takes it."""
        return When(self.effective_at, self.reason, may_backdate)


class PriceListQuery(AsOfQuery):
    """A moment, and a page."""

    limit: Limit = 100
    cursor: Cursor = None
