"""A period in the columns of FOCUS 1.4, the FinOps Open Cost and Usage Specification: values for CSV and Parquet. Pure.

What FOCUS has no column for begins with `x_`. Usage that no price rates has a cost of 0 in the currency XXX, which is
ISO 4217's for none, and says so in `x_UnratedRows`: it is neither left out nor taken as free.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from projections.billing.focus.report import FocusLine, FocusReport
from projections.billing.query import BillQuery
from registry.instant import format_ms, from_ms

NO_CURRENCY: Final = "XXX"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TOKENS: Final = ("input_tokens", "output_tokens", "cached_input_tokens", "cached_output_tokens")
COLUMNS: Final = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart",
    "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "EffectiveCost", "HostProviderName", "InvoiceIssuerName",
    "ListCost", "PricingCategory", "PricingQuantity", "PricingUnit", "ResourceId", "ResourceType", "ServiceCategory",
    "ServiceName", "ServiceProviderName", "ServiceSubcategory", "SkuId", "SkuPriceId",
    "SubAccountId", "SubAccountName", "Tags",
    "x_Inferences", "x_InputTokens", "x_OutputTokens", "x_CachedInputTokens", "x_CachedOutputTokens",
    "x_CacheReadTokens", "x_CacheWriteTokens", "x_ProviderCostUsd", "x_UnpricedRows", "x_UnratedRows",
    "x_TagPositions", "x_Position", "x_UsageAnchoredAt",
)  # fmt: skip


@dataclass(frozen=True)
class FocusNames:
    """What only the settings know: who issues the invoices, and which tags say whom a key is billed to."""

    issuer: str
    sub_account_tag: str
    sub_account_name_tag: str | None


def focus_rows(report: FocusReport, query: BillQuery, log_id: str, names: FocusNames) -> Iterator[dict[str, Any]]:
    """The rows, by COLUMNS: texts, counts, instants, exact decimals, and None for null."""
    nothing = dict.fromkeys(COLUMNS)
    about = {
        "BillingAccountId": log_id,
        "ChargeClass": "Correction" if report.corrections else None,
        "x_Position": report.position,
        "x_UsageAnchoredAt": report.anchored_at,
    }
    for line in report.lines:
        of_line = _charge(line), _period(line, query), _usage(line), _tags(line, names), _service(line, names)
        yield {**nothing, **about, **{name: value for part in of_line for name, value in part.items()}}


def _charge(line: FocusLine) -> dict[str, Any]:
    """What is charged, by which price: all four costs are one, as no discount is known."""
    amount = line.figures.charges[0].amount if line.figures.charges else Decimal(0)
    quantity = sum(getattr(line.figures, name) for name in _TOKENS) if line.price_id else None
    service = f"{line.model or 'no model'} by {line.provider or 'no provider'}"
    return {
        **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), amount),
        "BillingCurrency": line.currency or NO_CURRENCY,
        "ChargeCategory": "Usage",
        "ChargeDescription": f"{service}, {f'price {line.price_id}' if line.price_id else 'not rated'}",
        "ChargeFrequency": "Usage-Based",
        "ConsumedQuantity": quantity,
        "ConsumedUnit": "Tokens",
        "PricingCategory": "Standard" if line.price_id else None,
        "PricingQuantity": quantity,
        "PricingUnit": "Tokens" if line.price_id else None,
        "SkuId": service,
        "SkuPriceId": f"{line.price_id}@{format_ms(from_ms(line.price_from_ms))}" if line.price_id else None,
    }


def _period(line: FocusLine, query: BillQuery) -> dict[str, datetime]:
    """The day, as far as it is in the period that was asked for, and its month, in UTC."""
    day = _EPOCH + timedelta(days=line.day)
    month = day.replace(day=1)
    following = (month + timedelta(days=31)).replace(day=1)
    return {
        "BillingPeriodStart": month,
        "BillingPeriodEnd": following,
        "ChargePeriodStart": max(day, query.since.astimezone(UTC)),
        "ChargePeriodEnd": min(day + timedelta(days=1), query.until.astimezone(UTC)),
    }


def _usage(line: FocusLine) -> dict[str, Any]:
    figures = line.figures
    return {
        "x_Inferences": figures.inferences,
        "x_InputTokens": figures.input_tokens,
        "x_OutputTokens": figures.output_tokens,
        "x_CachedInputTokens": figures.cached_input_tokens,
        "x_CachedOutputTokens": figures.cached_output_tokens,
        "x_CacheReadTokens": figures.cache_read_tokens,
        "x_CacheWriteTokens": figures.cache_write_tokens,
        "x_ProviderCostUsd": figures.cost_usd,
        "x_UnpricedRows": figures.unpriced,
        "x_UnratedRows": figures.unrated,
    }


def _tags(line: FocusLine, names: FocusNames) -> dict[str, Any]:
    """Whose usage it is, by which events of the log."""
    values = {name: one.value for name, one in line.tags.items()}
    sub_account = values.get(names.sub_account_tag)
    # FOCUS wants a name where there is an id.
    name = None if sub_account is None else values.get(names.sub_account_name_tag or "", sub_account)
    return {
        "ResourceId": line.public_id,
        "SubAccountId": sub_account,
        "SubAccountName": name,
        "Tags": _json(values),
        "x_TagPositions": _json({name: one.position for name, one in line.tags.items()}),
    }


def _service(line: FocusLine, names: FocusNames) -> dict[str, str]:
    return {
        "HostProviderName": line.provider or names.issuer,
        "InvoiceIssuerName": names.issuer,
        "ResourceType": "API key",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": "Inference",
        "ServiceProviderName": names.issuer,
        "ServiceSubcategory": "Generative AI",
    }


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
