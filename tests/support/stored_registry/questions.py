"""What the stored registry is asked: bills, keys, histories, states, ClickHouse's views, and whether it verifies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx

_PERIOD = {"since": "2026-03-01T00:00:00Z", "until": "2027-01-01T00:00:00Z"}
_BILLS: tuple[dict[str, Any], ...] = (
    {"group_by": ["customer_id"]},
    {"group_by": ["model", "project_id"]},
    {"group_by": ["day"], "time_zone": "Europe/Berlin"},
)
_NDJSON = "application/x-ndjson"
_KEYS = "/admin/api-keys"
# Rows, and a checksum of them, in each view whose columns others rely on.
_VIEWS = {
    "key_tag_change": "tag, public_id, effective_ms, position, value",
    "key_life": "public_id, effective_ms, position, kind, expiration_ms",
    "key_credential": "credential_id, public_id, effective_ms, position, kind, expires_ms",
    "key_tag_interval": "public_id, valid_from, valid_until, tags",
    "billable_usage": "inference_id, at, public_id, credential_id, bucket, tags, claimed_tags, arraySort(models), "
    "input_tokens, output_tokens, cached_input_tokens, cached_output_tokens, cost_usd",
}
_CHECKSUMS = " UNION ALL ".join(
    f"SELECT '{view}' AS view, count() AS rows, "
    f"sum(cityHash64(formatRowNoNewline('JSONEachRow', {columns}))) AS checksum FROM keyledger.{view}"
    for view, columns in _VIEWS.items()
)
COMMANDS = (
    ("token", "list", "--json"),
    ("sql", f"SELECT * FROM ({_CHECKSUMS}) ORDER BY view", "--json"),
)


def ask(http: httpx.Client) -> list[dict[str, Any]]:
    """Each question with its answer."""
    asked = []
    for path in _questions(http):
        response = http.get(path)
        assert response.is_success, response.text
        answer = understood(response)
        assert written(answer) == without_progress(response), path
        asked.append({"get": path, "position": response.headers.get("Keyledger-Position"), "answer": answer})
    return asked


def understood(response: httpx.Response) -> Any:
    """What an answer says: an object, or the list of an NDJSON stream's lines."""
    if response.headers["Content-Type"] == _NDJSON:
        return [json.loads(line) for line in without_progress(response).splitlines()]
    return response.json()


def written(answer: Any) -> str:
    """The bytes of an answer, as text."""
    if isinstance(answer, list):
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in answer)
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False)


def without_progress(response: httpx.Response) -> str:
    """The text of an answer, but for the lines of a stream that only say how far it is."""
    if response.headers["Content-Type"] != _NDJSON:
        return response.text
    return "".join(line for line in response.text.splitlines(keepends=True) if not line.startswith('{"progress"'))


def _questions(http: httpx.Client) -> Iterator[str]:
    listed = http.get(_KEYS, params={"limit": 1000})
    keys, head = [key["public_id"] for key in listed.json()["items"]], int(listed.headers["Keyledger-Position"])
    # Before the first event, before and among the corrections, before and after those of imported keys.
    positions = ((0, 18, head - 5), (24, head - 5), (head,))
    yield from (f"{_KEYS}?limit=1000", f"{_KEYS}?{urlencode({'tag': 'crème:brûlée'})}", f"{_KEYS}?status=suspended")
    yield from (f"{_KEYS}/{key}" for key in keys)
    yield from (f"{_KEYS}/{key}/history" for key in keys)
    yield from (f"/audit/history/{key}" for key in keys)
    for bill, known in zip(_BILLS, positions, strict=True):
        for known_at in known:
            yield f"/billing/usage?{urlencode({**bill, **_PERIOD, 'known_at': known_at}, doseq=True)}"
    yield f"/billing/usage?{urlencode({**_PERIOD, 'group_by': 'customer_id', 'wait_for': head})}"
    yield f"/billing/usage?{urlencode({**_PERIOD, 'group_by': 'hour', 'tag': 'customer_id:acme'})}"
    for at, known_at in (("2026-03-27T00:00:00Z", head), ("2027-01-01T00:00:00Z", 24), ("2027-01-01T00:00:00Z", head)):
        yield f"/audit/state?{urlencode({'at': at, 'known_at': known_at, 'limit': 1000})}"
    difference = [("known_at", 24), ("known_at", head), ("group_by", "customer_id"), *_PERIOD.items()]
    yield f"/audit/diff?{urlencode(difference)}"
    yield "/audit/verify"
    (verified,) = understood(http.get("/audit/verify"))
    yield f"/audit/verify?{urlencode({'bookmark': verified['result']['bookmark']})}"
