"""A call of the API by the console in this process: who asks is known from the session, not from a header.

It is in the ASGI scope, which nobody outside can write to.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final

from registry.auth import Principal

_KEY: Final = "keyledger.inner_call"


@dataclass(frozen=True, slots=True)
class InnerCall:
    """Who asks, and the secret that seals what is kept for a repeat: that of the session."""

    principal: Principal
    secret: str = field(repr=False)


def mark(scope: MutableMapping[str, Any], call: InnerCall) -> None:
    """Make a request one of the console's."""
    scope[_KEY] = call


def inner_call_of(scope: MutableMapping[str, Any]) -> InnerCall | None:
    """What the console said of a request; None for one that came from outside."""
    call: InnerCall | None = scope.get(_KEY)
    return call
