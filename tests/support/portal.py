"""A portal for stories: JSON as it is written, each call sent once, and httpx's own errors."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import httpx

from keyledger.client import Call, calls

_PAGE = 1000


class AdminClient:
    """Calls with one admin token. Every method raises httpx.HTTPStatusError for an error's answer."""

    def __init__(self, url: str, token: str) -> None:
        self.http = httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    async def create(self, tags: dict[str, str], **more: Any) -> dict[str, Any]:
        """Make a key; its `api_key` is in this answer alone."""
        return await self._ask(calls.create_key(tags, **more))

    async def edit(self, public_id: str, patch: dict[str, Any], **query: Any) -> dict[str, Any]:
        """Apply a merge patch."""
        return await self._ask(calls.edit_key(public_id, **patch, **query))

    async def revoke(self, public_id: str, **query: Any) -> dict[str, Any]:
        """End a key."""
        return await self._ask(calls.revoke_key(public_id, **query))

    async def suspend(self, public_id: str, **body: str) -> dict[str, Any]:
        """Stop a key until it is resumed."""
        return await self._ask(calls.suspend_key(public_id, reason=body.get("reason")))

    async def resume(self, public_id: str, **body: str) -> dict[str, Any]:
        """Let a suspended key work again."""
        return await self._ask(calls.resume_key(public_id, **body))

    async def rotate(self, public_id: str, **body: Any) -> dict[str, Any]:
        """Give a key a new secret; its `api_key` is in this answer alone."""
        return await self._ask(calls.rotate_key(public_id, **body))

    async def revoke_credential(self, public_id: str, credential_id: str, **query: Any) -> dict[str, Any]:
        """End one credential of a key."""
        return await self._ask(calls.revoke_credential(public_id, credential_id, **query))

    async def show(self, public_id: str, **query: Any) -> dict[str, Any]:
        """A key."""
        return await self._ask(calls.show_key(public_id, **query))

    async def history(self, public_id: str) -> list[dict[str, Any]]:
        """All events of a key, oldest first."""
        items: list[dict[str, Any]] = []
        call: Call[Any] | None = calls.list_key_events(public_id, limit=_PAGE)
        while call is not None:
            page = await self._ask(call)
            items += page["items"]
            call = call.asking(cursor=page["next_cursor"]) if page["next_cursor"] else None
        return items

    async def bill(self, **query: Any) -> dict[str, Any]:
        """A bill of all that was acknowledged before this call, unless `known_at` says otherwise."""
        wait_for = None if "known_at" in query else await self._head()
        return await self._ask(calls.show_bill(**query, wait_for=wait_for))

    async def set_price(self, price_id: str, price: dict[str, Any], **query: Any) -> dict[str, Any]:
        """Set what a price charges."""
        return await self._ask(calls.set_price(price_id, **price, **query))

    async def bill_status(self) -> int:
        """The status of asking for a small bill: whether the token may."""
        query = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-01T00:00:01Z"}
        return (await self.http.get("/billing/usage", params=query)).status_code

    async def _ask(self, call: Call[Any]) -> dict[str, Any]:
        answer = await self.http.request(call.method, call.path, params=call.query, json=call.body)
        answer.raise_for_status()
        content: dict[str, Any] = answer.json()
        return content

    async def _head(self) -> int:
        listed = await self.http.get("/admin/api-keys", params={"limit": 1})
        return int(listed.raise_for_status().headers["Keyledger-Position"])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()
