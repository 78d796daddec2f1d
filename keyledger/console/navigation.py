"""The parts of the console, and who may see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from registry.auth import Principal


@dataclass(frozen=True, slots=True)
class Part:
    """A part, as it is in the head of each page."""

    name: str
    path: str
    scope: str

    def is_of(self, path: str) -> bool:
        """Whether a page is in this part."""
        return path == self.path or path.startswith(f"{self.path}/")


PARTS: Final = (
    Part("Keys", "/console/keys", "keys:read"),
    Part("Bills", "/console/bills", "billing:read"),
    Part("Prices", "/console/prices", "prices:read"),
    Part("Events", "/console/events", "events:read"),
    Part("Audit", "/console/audit", "audit:read"),
    Part("Tag policy", "/console/policy", "admin"),
    Part("Tokens", "/console/tokens", "admin"),
    Part("Webhooks", "/console/webhooks", "admin"),
    Part("Health", "/console/health", "admin"),
)


def parts_of(principal: Principal) -> list[Part]:
    """The parts that somebody may see."""
    return [part for part in PARTS if principal.allows(part.scope)]


def first_page(principal: Principal) -> str:
    """Where to begin: the keys, which most people come for, or the first part that there is."""
    found = parts_of(principal)
    return found[0].path if found else PARTS[0].path
