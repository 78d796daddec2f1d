"""A small client of the admin API, as a portal would have one: for the demo and the acceptance tests."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import httpx

_PATH = "/admin/api-keys"


class AdminClient:
    """Calls with one admin token. Every method raises httpx.HTTPStatusError for an error's answer."""

    def __init__(self, url: str, token: str) -> None:
        self.http = httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    async def create(self, tags: dict[str, str], **more: Any) -> dict[str, Any]:
        """Make a key; its `api_key` is in this answer alone."""
        return _checked(await self.http.post(_PATH, json={"tags": tags, **more}))

    async def edit(self, public_id: str, patch: dict[str, Any], **query: str) -> dict[str, Any]:
        """Apply a merge patch."""
        return _checked(await self.http.patch(f"{_PATH}/{public_id}", json=patch, params=query))

    async def revoke(self, public_id: str, **query: str) -> dict[str, Any]:
        """End a key."""
        return _checked(await self.http.delete(f"{_PATH}/{public_id}", params=query))

    async def suspend(self, public_id: str, **body: str) -> dict[str, Any]:
        """Stop a key until it is resumed."""
        return _checked(await self.http.post(f"{_PATH}/{public_id}/suspend", json=body))

    async def resume(self, public_id: str, **body: str) -> dict[str, Any]:
        """Let a suspended key work again."""
        return _checked(await self.http.post(f"{_PATH}/{public_id}/resume", json=body))

    async def rotate(self, public_id: str, **body: Any) -> dict[str, Any]:
        """Give a key a new secret; its `api_key` is in this answer alone."""
        return _checked(await self.http.post(f"{_PATH}/{public_id}/rotate", json=body))

    async def revoke_credential(self, public_id: str, credential_id: str, **query: str) -> dict[str, Any]:
        """End one credential of a key."""
        return _checked(await self.http.delete(f"{_PATH}/{public_id}/credentials/{credential_id}", params=query))

    async def show(self, public_id: str, **query: Any) -> dict[str, Any]:
        """A key."""
        return _checked(await self.http.get(f"{_PATH}/{public_id}", params=query))

    async def history(self, public_id: str) -> list[dict[str, Any]]:
        """All events of a key, oldest first."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            query = {"limit": 1000} | ({"cursor": cursor} if cursor else {})
            page = _checked(await self.http.get(f"{_PATH}/{public_id}/history", params=query))
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items

    async def bill(self, **query: Any) -> dict[str, Any]:
        """A bill of all that was acknowledged before this call, unless `known_at` says otherwise."""
        if "known_at" not in query:
            query["wait_for"] = await self._head()
        return _checked(await self.http.get("/billing/usage", params=query))

    async def set_price(self, price_id: str, price: dict[str, Any], **query: str) -> dict[str, Any]:
        """Set what a price charges."""
        return _checked(await self.http.put(f"/admin/prices/{price_id}", json=price, params=query))

    async def compare(self, **query: Any) -> dict[str, Any]:
        """Two bills side by side, that which is asked about of all that was acknowledged before this call."""
        return _checked(await self.http.get("/billing/compare", params={**query, "wait_for": await self._head()}))

    async def bill_status(self) -> int:
        """The status of asking for a small bill: whether the token may."""
        query = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-01T00:00:01Z"}
        return (await self.http.get("/billing/usage", params=query)).status_code

    async def _head(self) -> str:
        listed = await self.http.get(_PATH, params={"limit": 1})
        return listed.raise_for_status().headers["Keyledger-Position"]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()


def _checked(response: httpx.Response) -> dict[str, Any]:
    response.raise_for_status()
    content: dict[str, Any] = response.json()
    return content
