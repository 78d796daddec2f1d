"""The API key that a request shows, in the headers in which a proxy passes it on. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from registry.auth import bearer_of

Headers = Iterable[tuple[bytes, bytes]]


def shown_key(headers: Headers) -> str | None:
    """The key of `Authorization: Bearer` or `x-api-key`, as ASGI gives headers; None where there is none.

    It is empty, which is no key, where two are shown that differ, or another scheme than Bearer: what is behind the
    proxy could take another one than we do.
    """
    shown = {text for name, value in headers if (text := _text_of(name, value)) is not None}
    if not shown:
        return None
    return shown.pop() if len(shown) == 1 else ""


def _text_of(name: bytes, value: bytes) -> str | None:
    text = value.decode("latin-1").strip()
    if not text:
        return None
    if name == b"authorization":
        return bearer_of(text)
    return text if name == b"x-api-key" else None
