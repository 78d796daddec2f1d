"""A period as CSV in the columns of FOCUS 1.4, the FinOps Open Cost and Usage Specification. Pure.

What FOCUS has no column for begins with `x_`. Usage that no price rates has a cost of 0 in the currency XXX, which is
ISO 4217's for none, and says so in `x_UnratedRows`: it is neither left out nor taken as free.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from keyledger.http.answer.encode import plain
from projections.billing.focus import FocusLine, FocusReport
from projections.billing.query import BillQuery
from registry.instant import format_ms, from_ms

FOCUS_VERSION: Final = "1.4"
NO_CURRENCY: Final = "XXX"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ISSUER: Final = "Keyledger"
_TOKENS: Final = ("input_tokens", "output_tokens", "cached_input_tokens", "cached_output_tokens")
COLUMNS: Final = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart",
    "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "EffectiveCost", "HostProviderName", "InvoiceIssuerName",
    "ListCost", "PricingCategory", "PricingQuantity", "PricingUnit", "ResourceId", "ResourceType", "ServiceCategory",
    "ServiceName", "ServiceProviderName", "ServiceSubcategory", "SkuId", "SkuPriceId", "Tags",
    "x_Inferences", "x_InputTokens", "x_OutputTokens", "x_CachedInputTokens", "x_CachedOutputTokens",
    "x_CacheReadTokens", "x_CacheWriteTokens", "x_ProviderCostUsd", "x_UnpricedRows", "x_UnratedRows",
    "x_TagPositions", "x_Position", "x_UsageBatch",
)  # fmt: skip


def to_focus_csv(report: FocusReport, query: BillQuery, log_id: str) -> str:
    """The header and the rows, by RFC 4180. An empty field is null."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for line in report.lines:
        writer.writerow({**_charge(line), **_period(line, query), **_usage(line), **_provenance(line, report, log_id)})
    return file.getvalue()


def _charge(line: FocusLine) -> dict[str, Any]:
    """What is charged, by which price: all four costs are one, as no discount is known."""
    amount = plain(line.figures.charges[0].amount) if line.figures.charges else "0"
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


def _period(line: FocusLine, query: BillQuery) -> dict[str, str]:
    """The day, as far as it is in the period that was asked for, and its month, in UTC."""
    day = _EPOCH + timedelta(days=line.day)
    month = day.replace(day=1)
    following = (month + timedelta(days=31)).replace(day=1)
    return {
        "BillingPeriodStart": _instant(month),
        "BillingPeriodEnd": _instant(following),
        "ChargePeriodStart": _instant(max(day, query.since.astimezone(UTC))),
        "ChargePeriodEnd": _instant(min(day + timedelta(days=1), query.until.astimezone(UTC))),
    }


def _usage(line: FocusLine) -> dict[str, Any]:
    figures = line.figures
    cost: Decimal | None = figures.cost_usd
    return {
        "x_Inferences": figures.inferences,
        "x_InputTokens": figures.input_tokens,
        "x_OutputTokens": figures.output_tokens,
        "x_CachedInputTokens": figures.cached_input_tokens,
        "x_CachedOutputTokens": figures.cached_output_tokens,
        "x_CacheReadTokens": figures.cache_read_tokens,
        "x_CacheWriteTokens": figures.cache_write_tokens,
        "x_ProviderCostUsd": None if cost is None else plain(cost),
        "x_UnpricedRows": figures.unpriced,
        "x_UnratedRows": figures.unrated,
    }


def _provenance(line: FocusLine, report: FocusReport, log_id: str) -> dict[str, Any]:
    """Whose usage it is, by which events of the log, and what the row was made of."""
    return {
        "BillingAccountId": log_id,
        "HostProviderName": line.provider or _ISSUER,
        "InvoiceIssuerName": _ISSUER,
        "ResourceId": line.public_id,
        "ResourceType": "API key",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": "Inference",
        "ServiceProviderName": _ISSUER,
        "ServiceSubcategory": "Generative AI",
        "Tags": _json({name: one.value for name, one in line.tags.items()}),
        "x_TagPositions": _json({name: one.position for name, one in line.tags.items()}),
        "x_Position": report.position,
        "x_UsageBatch": report.batch,
    }


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _instant(at: datetime) -> str:
    """As FOCUS writes it: whole seconds, but where a question has milliseconds."""
    return format_ms(at).replace(".000Z", "Z")
