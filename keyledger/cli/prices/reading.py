"""keyledger prices list, show, history."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from keyledger.cli.client import AsJson, CommandFailed, Data, items, send
from keyledger.cli.printing.output import print_json
from keyledger.cli.printing.tables import print_fields, print_table
from keyledger.client import calls
from keyledger.client.calls import list_price_events, show_price

PriceId = Annotated[str, typer.Argument(help="The price's id.")]
At = Annotated[str | None, typer.Option(help="As of this instant: RFC 3339 with an offset.")]
KnownAt = Annotated[int | None, typer.Option(min=0, help="As known at this position of the log.")]


def register(app: typer.Typer) -> None:
    """Put the commands on the app of `prices`."""
    app.command("list", epilog="Example: keyledger prices list --at 2026-03-01T00:00:00Z")(list_prices)
    app.command(epilog="Example: keyledger prices show llama-gold")(show)
    app.command(epilog="Example: keyledger prices history llama-gold")(history)


def list_prices(
    at: At = None,
    known_at: KnownAt = None,
    all_: Annotated[bool, typer.Option("--all", help="Those that ended, too.")] = False,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """List prices by model; those that ended are left out."""
    found = items(data, calls.list_prices(at=at, known_at=known_at))
    shown = [one for one in found if all_ or one["status"] != "ended"]
    shown.sort(key=lambda one: (one["model"], one["provider"] or "", len(one["tags"]), one["price_id"]))
    if json:
        print_json(shown)
        return
    columns = ("price_id", "model", "provider", "tags", "currency", "amounts", "status", "effective_at")
    print_table(columns, ([_cell(one, column) for column in columns] for one in shown))


def show(price_id: PriceId, at: At = None, known_at: KnownAt = None, data: Data = None, json: AsJson = False) -> None:
    """Show a price: as it is, as of an instant, or as known at a position."""
    price = send(data, show_price(checked_id(price_id), at=at, known_at=known_at))
    print_json(price) if json else print_price(price)


def history(price_id: PriceId, data: Data = None, json: AsJson = False) -> None:
    """List what was set of a price, by whom and why, oldest first."""
    found = items(data, list_price_events(checked_id(price_id)))
    if json:
        print_json(found)
        return
    columns = ("position", "type", "recorded_at", "effective_at", "actor", "reason", "amounts")
    rows = ([amounts_of(one["data"]) if name == "amounts" else one[name] for name in columns] for one in found)
    print_table(columns, rows, right=("position",))


def checked_id(price_id: str) -> str:
    """The id of a price. Raises CommandFailed for one that can't be in a path."""
    if re.fullmatch(r"[A-Za-z0-9._-]+", price_id, re.ASCII) is None or price_id in {".", ".."}:
        raise CommandFailed("a price_id has letters, digits, dots, dashes and underscores alone", 2)
    return price_id


def print_price(price: Mapping[str, Any]) -> None:
    """The price for a person."""
    shown = ("price_id", "model", "provider", "tags", "currency", "amounts", "status", "effective_at")
    rows = [(name, _cell(price, name)) for name in shown]
    rows += [("scheduled", f"{one['effective_at']}: {_change(one)}") for one in price["scheduled"]]
    print_fields([*rows, ("position", price["position"]), ("version", price["version"])])


def amounts_of(terms: Mapping[str, Any]) -> str:
    """The amounts of a price in a line."""
    named = [f"{name} {text}" for name, text in terms.get("per_million", {}).items()]
    parts = [f"per million: {', '.join(named)}"] if named else []
    parts += [f"per inference {terms['per_inference']}"] if terms.get("per_inference") is not None else []
    parts += [f"cost times {terms['cost_multiplier']}"] if terms.get("cost_multiplier") is not None else []
    return "; ".join(parts)


def _change(one: Mapping[str, Any]) -> str:
    return "ended" if one["currency"] is None else f"{one['currency']} {amounts_of(one)}"


def _cell(price: Mapping[str, Any], name: str) -> object:
    if name == "amounts":
        return amounts_of(price)
    if name == "tags":
        return ", ".join(f"{tag}:{value}" for tag, value in price["tags"].items())
    return ("any" if price[name] is None else price[name]) if name == "provider" else price[name]
