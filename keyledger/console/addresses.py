"""Addresses of pages: the same page with other parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request

HOME: Final = "/console"


def with_query(request: Request, **changed: str | None) -> str:
    """This page's address with some parameters changed, or left out where they are None."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in changed and value]
    kept += [(name, value) for name, value in changed.items() if value is not None]
    return request.url.path + (f"?{urlencode(kept)}" if kept else "")


def pages_of(request: Request, cursor: str, next_cursor: str | None) -> dict[str, Any]:
    """The addresses of the `first` page of a list and of the `following` one, for `pages` in list_parts.html."""
    return {
        "first": with_query(request, cursor=None) if cursor else None,
        "following": with_query(request, cursor=next_cursor) if next_cursor else None,
    }


def within(wanted: str) -> str:
    """A page of the console, never another site; the first page where it is none."""
    return wanted if wanted.startswith("/console/") and "\\" not in wanted and "//" not in wanted[1:] else HOME


def filled(texts: Sequence[str]) -> list[str]:
    """Those that are not blank."""
    return [text.strip() for text in texts if text.strip()]
