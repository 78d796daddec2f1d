"""Rows of FOCUS: their types in Parquet, and what the settings say of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from keyledger.http.billing.focus_rows import COLUMNS, FocusNames
from projections.billing.figures import Charge, Figures
from projections.billing.focus.report import FOCUS_BY, FocusLine, FocusReport
from projections.billing.query import BillQuery
from projections.billing.statement.key_tags import TagAt
from registry.errors import FieldsRefused
from tests.support.focus import assert_same_rows, csv_of, csv_rows, parquet_of, types_of

# Its first day begins with a fraction of a second.
MARCH = BillQuery(FOCUS_BY, datetime(2026, 3, 1, 0, 0, 0, 5000, UTC), datetime(2026, 4, 1, tzinfo=UTC))
FIRST = (datetime(2026, 3, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
SMALLEST = Decimal(1).scaleb(-27)


def line(amount: Decimal = SMALLEST) -> FocusLine:
    """A line of one inference, without a recorded cost."""
    figures = Figures(1, 10, 5, 0, 0, 0, 0, None, 1, (Charge("EUR", amount),), 0)
    tags = {"company": TagAt("Acme", 2), "customer_id": TagAt("c-1", 1)}
    return FocusLine(FIRST, "keyAAAAAAAA1", tags, "gpt", None, "p", 0, "EUR", figures)


def report(*lines: FocusLine) -> FocusReport:
    """Of a position, with all usage anchored."""
    return FocusReport(7, 5, list(lines))


def test_parquet_has_the_types_of_focus_whatever_the_rows() -> None:
    types = types_of(parquet_of(report(), MARCH))
    assert list(types) == list(COLUMNS)
    assert (types["BilledCost"], types["ConsumedQuantity"]) == ("decimal128(38, 27)", "decimal128(38, 0)")
    assert (types["ChargePeriodStart"], types["x_Inferences"]) == ("timestamp[ms, tz=UTC]", "int64")
    assert {types[name] for name in ("Tags", "x_TagPositions", "ChargeClass", "SubAccountId")} == {"string"}
    assert types_of(parquet_of(report(line()), MARCH)) == types


@pytest.mark.parametrize(
    "amount", [SMALLEST, -SMALLEST, Decimal(f"99999999999.{'9' * 27}"), Decimal("1E+5"), Decimal(0)]
)
def test_parquet_has_every_digit_of_the_csv(amount: Decimal) -> None:
    made = report(line(amount))
    rows = csv_rows(csv_of(made, MARCH))
    assert (Decimal(rows[0]["BilledCost"]), rows[0]["ChargePeriodStart"]) == (amount, "2026-03-01T00:00:00.005Z")
    assert_same_rows(rows, parquet_of(made, MARCH))


@pytest.mark.parametrize("amount", [Decimal(10**11), SMALLEST / 10])
def test_what_parquet_has_no_digits_for_is_refused_and_not_rounded(amount: Decimal) -> None:
    with pytest.raises(FieldsRefused, match="too few digits for a BilledCost"):
        parquet_of(report(line(amount)), MARCH)
    count = replace(line(), figures=replace(line().figures, input_tokens=2**63))
    with pytest.raises(FieldsRefused, match="too few digits for a x_InputTokens"):
        parquet_of(report(count), MARCH)


@pytest.mark.parametrize(
    ("names", "sub_account"),
    [
        (FocusNames("Models Ltd", "customer_id", None), ("c-1", "c-1")),
        (FocusNames("Models Ltd", "customer_id", "company"), ("c-1", "Acme")),
        (FocusNames("Models Ltd", "customer_id", "no_key_has"), ("c-1", "c-1")),
        (FocusNames("Models Ltd", "no_key_has", "company"), ("", "")),
    ],
)
def test_the_settings_say_whose_invoice_it_is_and_which_tags_name_the_sub_account(
    names: FocusNames, sub_account: tuple[str, str]
) -> None:
    (row,) = csv_rows(csv_of(report(line()), MARCH, names))
    assert (row["SubAccountId"], row["SubAccountName"]) == sub_account
    issuers = {row[name] for name in ("InvoiceIssuerName", "ServiceProviderName", "HostProviderName")}
    assert issuers == {"Models Ltd"}
