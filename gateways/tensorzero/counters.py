"""What the gateway's processes count of themselves, at their `/metrics`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import httpx
from prometheus_client.parser import text_string_to_metric_families

from gateways.errors import GatewayMetricsUnavailable

_INFERENCES: Final = "tensorzero_inferences_total"
# Counted when it begins; its rows come when somebody polls it to its end, which may be never.
_BATCH: Final = "batch_inference"
_ANSWER_S: Final = 10.0

Series = tuple[str, ...]
Totals = Mapping[Series, int]


class GatewayMetrics:
    """The processes of a gateway, each by the URL of its metrics. `key` is one that the gateway accepts."""

    def __init__(self, urls: Sequence[str], key: str | None) -> None:
        self._urls = tuple(urls)
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}

    async def inferences(self) -> Totals:
        """The inferences that each has counted since it started, by series. Raises GatewayMetricsUnavailable."""
        async with httpx.AsyncClient(headers=self._headers, trust_env=False) as http:
            found = await asyncio.gather(*(_read(http, url) for url in self._urls))
        return {(url, *series): count for url, one in zip(self._urls, found, strict=True) for series, count in one}


async def _read(http: httpx.AsyncClient, url: str) -> list[tuple[Series, int]]:
    try:
        async with asyncio.timeout(_ANSWER_S):
            answer = await http.get(url)
        if answer.status_code != httpx.codes.OK:
            raise GatewayMetricsUnavailable(_where(url), f"it answers {answer.status_code}")
        return inferences_of(answer.text)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        raise GatewayMetricsUnavailable(_where(url), str(error) or type(error).__name__) from error
    except (ValueError, OverflowError) as error:
        raise GatewayMetricsUnavailable(_where(url), "what it answers are no metrics") from error


def inferences_of(text: str) -> list[tuple[Series, int]]:
    """The counters of inferences in the text of metrics. Raises ValueError where it is none, OverflowError."""
    return [
        (tuple(f"{name}={value}" for name, value in sorted(sample.labels.items())), int(sample.value))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == _INFERENCES and sample.labels.get("endpoint") != _BATCH
    ]


def grown(before: Totals, now: Totals) -> int:
    """How many were counted between two looks. A counter that is smaller has started again, at 0."""
    known = ((before.get(series, 0), count) for series, count in now.items())
    return sum(count - earlier if count >= earlier else count for earlier, count in known)


def _where(url: str) -> str:
    return urlsplit(url).netloc
