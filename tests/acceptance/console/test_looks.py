"""Every page in light, dark and narrow: nothing serious for a screen reader, nothing too wide, nothing from elsewhere.

The pictures are in test-results/console.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.browser.demo import Demo
from tests.support.browser.visitor import LOOKS, SCREENSHOTS, Visitor

pytestmark = pytest.mark.xdist_group("console")

PAGES = {
    "keys": "/console/keys",
    "no keys": "/console/keys?q=nobody-has-this",
    "key": "/console/keys/{key}",
    "new key": "/console/keys/new",
    "edit a key": "/console/keys/{key}/edit",
    "rotate a key": "/console/keys/{key}/rotate",
    "revoke a key": "/console/keys/{key}/revoke",
    "many keys": "/console/keys/bulk",
    "bills": "/console/bills",
    "bills by three": "/console/bills?group_by=customer_id,billing_tier,model",
    "no bill": "/console/bills?month=2020-01",
    "a wrong question": "/console/bills?month=2020-13&time_zone=Mars",
    "bills compared": "/console/bills/compare",
    "inferences": "/console/bills/inferences?by=customer_id:acme",
    "prices": "/console/prices",
    "a price": "/console/prices/margin",
    "new price": "/console/prices/new",
    "end a price": "/console/prices/margin/end",
    "tag policy": "/console/policy",
    "edit the tag policy": "/console/policy/edit",
    "tokens": "/console/tokens",
    "new token": "/console/tokens/new",
    "webhooks": "/console/webhooks",
    "new webhook": "/console/webhooks/new",
    "events": "/console/events",
    "audit": "/console/audit",
    "state": "/console/audit/state",
    "differences": "/console/audit/diff?from=2&to=19",
    "health": "/console/health",
    "nothing": "/console/nowhere",
}


@pytest.mark.parametrize("look", LOOKS)
def test_pages_are_legible_and_accessible(look: str, demo: Demo, visit: Callable[..., Visitor]) -> None:
    visitor = visit(look)
    visitor.go("/console/login")
    assert visitor.faults() == []
    visitor.log_in(demo.token)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    faults = {}
    for name, path in PAGES.items():
        visitor.go(path.format(key=demo.key_of("acme")))
        visitor.page.screenshot(path=SCREENSHOTS / f"{name.replace(' ', '-')}-{look}.png", full_page=True)
        found = [*visitor.faults(), *(["too wide"] if visitor.too_wide() else [])]
        if found:
            faults[name] = found
    visitor.complaints[:] = [one for one in visitor.complaints if "404" not in one and "422" not in one]
    assert faults == {}
