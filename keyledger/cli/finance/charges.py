"""Charges in one cell of a table."""

from __future__ import annotations


def charges_of(charges: list[dict[str, str]]) -> str | None:
    """Each with its currency; None without any."""
    return ", ".join(f"{one['amount']} {one['currency']}" for one in charges) or None
