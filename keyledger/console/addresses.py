"""Addresses of pages: the same page with other parameters."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import Request


def with_query(request: Request, **changed: str | None) -> str:
    """This page's address with some parameters changed, or left out where they are None."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in changed and value]
    kept += [(name, value) for name, value in changed.items() if value is not None]
    return request.url.path + (f"?{urlencode(kept)}" if kept else "")
