"""Finance: from a bill to a line, to an inference, to why; the month before; the file; and a price that is set."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from decimal import Decimal

import httpx
import pytest

from tests.support.browser.demo import Demo
from tests.support.browser.visitor import Visitor

pytestmark = pytest.mark.xdist_group("console")


def position(demo: Demo) -> int:
    """That of the log."""
    headers = {"Authorization": f"Bearer {demo.token}"}
    return int(httpx.get(f"{demo.origin}/admin/prices", headers=headers).headers["Keyledger-Position"])


def test_a_line_leads_to_its_inferences_and_to_why_each_is_in_it(demo: Demo, visit: Callable[..., Visitor]) -> None:
    """Three clicks from the bill: the line, the inference, the key."""
    visitor = visit()
    visitor.log_in(demo.token)
    visitor.click("Bills")
    page = visitor.page
    line = page.get_by_role("row", name="acme").first
    line.get_by_role("link").first.click()
    assert "by=customer_id%3Aacme" in page.url
    page.locator("td a[href*='/explain/']").first.click()
    assert page.get_by_role("heading", name="Price and multiplication").is_visible()
    tags = page.locator("table").first.inner_text()
    assert "customer_id" in tags
    assert "acme" in tags
    key = page.locator("a[href*='/console/keys/']").first
    public_id = key.inner_text()  # of this customer's, also one that moved to another one since
    key.click()
    assert page.get_by_role("heading", level=1).inner_text().startswith(public_id)


def test_the_file_has_the_figures_of_the_page_and_of_the_api(demo: Demo, visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.log_in(demo.token)
    visitor.go("/console/bills?group_by=customer_id,billing_tier")
    page = visitor.page
    shown = {row.split("\t")[0] for row in page.locator("table").first.locator("tbody tr").all_inner_texts()}
    with page.expect_download() as download:
        visitor.click("CSV")
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
    assert {row["tag:customer_id"] for row in rows if row.get("tag:customer_id")} <= shown
    visitor.go("/console/bills?group_by=customer_id")
    total = page.get_by_role("row", name="Total").first.inner_text().replace("\u202f", "")
    sums = sum((Decimal(row["cost_usd"] or 0) for row in rows), Decimal(0))
    assert str(sums.normalize()) in total


def test_coverage_adds_up_and_the_month_before_is_beside_it(demo: Demo, visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.log_in(demo.token)
    visitor.go("/console/bills")
    widths = visitor.page.locator("svg.coverage rect").evaluate_all(
        "all => all.map(one => Number(one.getAttribute('width')))"
    )
    total = visitor.page.locator("svg.coverage").evaluate("one => one.viewBox.baseVal.width")
    assert abs(sum(widths) - total) < total / 100
    visitor.click("Compare with the month before")
    assert visitor.page.get_by_role("heading", level=1).inner_text() == "Two bills compared"
    assert visitor.page.get_by_role("row", name="Total").is_visible()


def test_a_price_in_the_past_shows_what_it_does_to_bills_before_it_is_set(
    demo: Demo, visit: Callable[..., Visitor]
) -> None:
    visitor = visit()
    visitor.log_in(demo.token)
    visitor.go("/console/prices/new")
    page = visitor.page
    page.get_by_label("Id of the price").fill("claude-for-initech")
    page.get_by_label("Model, as the gateway names it").fill("claude-sonnet-4-5")
    page.get_by_label("Tag name").first.fill("customer_id")
    page.get_by_label("Tag value").first.fill("initech")
    page.get_by_label("Currency").fill("EUR")
    page.get_by_label("Input", exact=True).fill("9.99")
    page.get_by_label("From; empty").fill("2026-01-01T00:00:00Z")
    page.get_by_label("Reason").fill("contract")
    visitor.click("Set the price", "button")
    before = position(demo)
    assert page.get_by_role("row", name="initech").first.is_visible()
    page.get_by_role("button").filter(has_text="Set").click()
    assert "claude-for-initech" in page.get_by_role("heading", level=1).inner_text()
    assert position(demo) != before
