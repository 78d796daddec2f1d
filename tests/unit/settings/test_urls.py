"""Pages that may read answers, and the gateway's metrics."""

from __future__ import annotations

import pytest

from keyledger.settings import Settings
from tests.support.settings_read import SECRET, faults, read


def test_no_page_of_another_origin_reads_answers_until_its_origin_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.read().http_origins is None
    settings = read(monkeypatch, {"HTTP_ORIGINS": "https://portal.example, http://localhost:5173,https://[::1]:8443"})
    assert settings.http_origins == "https://portal.example,http://localhost:5173,https://[::1]:8443"


@pytest.mark.parametrize(
    ("origins", "words"),
    [
        *(("*", "any page"), ("https://a.example,*", "any page")),
        *(
            (one, "as browsers send it")
            for one in ("null", "portal.example", "https://a.example/", "https://A.example")
        ),
        *(
            (one, "as browsers send it")
            for one in ("https://a.example:443", "https://u@a.example", "https://*.example")
        ),
    ],
)
def test_an_origin_that_is_too_wide_or_that_no_browser_sends_is_refused(
    monkeypatch: pytest.MonkeyPatch, origins: str, words: str
) -> None:
    [fault] = faults(monkeypatch, {"HTTP_ORIGINS": origins})
    assert fault.startswith("KEYLEDGER_HTTP_ORIGINS: ")
    assert words in fault


def test_the_gateways_metrics_are_urls_without_a_login_and_their_key_is_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    urls = {"GATEWAY_METRICS_URL": "http://one:3000/metrics, https://two.example/metrics"}
    settings = read(monkeypatch, urls | {"GATEWAY_METRICS_KEY": SECRET})
    assert settings.gateway_metrics_url == "http://one:3000/metrics,https://two.example/metrics"
    assert SECRET not in f"{settings.describe()} {settings!r}"
    for wrong in (
        f"http://app:{SECRET}@one/metrics",
        "one:3000/metrics",
        "http://one:3000/metrics,",
        "http://one:99999",
    ):
        [fault] = faults(monkeypatch, {"GATEWAY_METRICS_URL": wrong})
        assert fault.startswith("KEYLEDGER_GATEWAY_METRICS_URL: must be http(s)://host:port/metrics without a login")
    monkeypatch.setenv("KEYLEDGER_GATEWAY_METRICS_URL", "http://one/metrics")
    [fault] = faults(monkeypatch, {"GATEWAY_METRICS_KEY": f"{SECRET}\n"})
    assert fault.startswith("KEYLEDGER_GATEWAY_METRICS_KEY: ")
    assert SECRET not in fault
