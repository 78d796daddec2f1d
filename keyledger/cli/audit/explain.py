"""keyledger audit explain: why one inference is on the bill as it is, for a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

import httpx
import typer

from keyledger.cli.audit.words import actor, indented, shown
from keyledger.cli.client import AsJson, CommandFailed, Data, call, checked, given
from keyledger.cli.finance.charges import charges_of
from keyledger.cli.printing.output import print_json, readable, say
from keyledger.cli.printing.tables import print_table

_NUMBERS = ("input_tokens", "output_tokens", "cost_usd")
_COLUMNS = ("model", "provider", *_NUMBERS, "cached", "rows", "id")


def register(app: typer.Typer) -> None:
    """Put the command on the app of `audit`."""
    app.command(epilog="Example: keyledger audit explain 0195a3b0-7c00-7000-8000-000000000001 --known-at 120")(explain)


def explain(
    inference_id: Annotated[UUID, typer.Argument(metavar="INFERENCE_ID", help="The gateway's id of the inference.")],
    known_at: Annotated[int | None, typer.Option(min=0, help="As known at this position; all by default.")] = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Explain one inference: its bucket, the events that gave it each tag, and the arithmetic of its line.

    Exit code 1 when ClickHouse does not agree with the log.
    """

    async def ask(client: httpx.AsyncClient) -> Any:
        # What was acknowledged before this command is in the explanation.
        wait_for = None if known_at is not None else checked(await client.get("/operator/status"))["head"]
        query = given(known_at=known_at, wait_for=wait_for)
        return checked(await client.get(f"/audit/explain/{inference_id}", params=query))

    found = call(data, ask)
    if json:
        print_json(found)
    else:
        _print(found)
    if found["disagreements"]:
        raise CommandFailed("; ".join(found["disagreements"]) + ": run `keyledger audit verify`")


def _print(found: dict[str, Any]) -> None:
    say(f"inference {found['inference_id']} at {found['at'] or 'no instant'}, as known at position {found['position']}")
    say(f"bucket {found['bucket']}: {found['reason']}")
    for line in [*_rows(found["inference"]), *_key(found)]:
        say(line)
    if found["models"]:
        rows = [[shown(one[name]) for name in _COLUMNS] for one in found["models"]]
        print_table(_COLUMNS, rows, title="Model rows", right=_NUMBERS)
    for one in found["arithmetic"]:
        say(f"{one['figure']:21} {' + '.join(map(str, one['terms'])) or '0'} = {one['sum']}")
    for line in _charges(found):
        say(line)
    if not found["arithmetic"]:
        say(f"{found['model_rows']} model rows, not all of them shown; the total: {found['usage']}")


def _charges(found: dict[str, Any]) -> Iterator[str]:
    """Each row's price, its event, and the multiplication written out."""
    for one in found["rating"]:
        if one["unrated"] is not None:
            by = "" if one["price_id"] is None else f" (price {one['price_id']}, position {one['position']})"
            yield f"row {one['id']} is unrated{by}: {one['unrated']}"
            continue
        yield f"row {one['id']} by price {one['price_id']}, set at position {one['position']}:"
        for term in one["terms"]:
            per = "" if term["per"] == 1 else f" / {term['per']}"
            yield f"  {term['counted']:21} {term['quantity']} x {term['price']}{per} = {term['amount']}"
        yield f"  {'charge':21} {one['amount']} {one['currency']}"
    charges = charges_of(found["charges"])
    if charges:
        yield f"charges on the bill   {charges}"


def _rows(inference: dict[str, Any] | None) -> Iterator[str]:
    if inference is None:
        return
    for row in inference["rows"]:
        wins = "" if row["wins"] else " (does not count: the greatest row wins)"
        key = row["credential_id"] or "no key"
        times = "" if row["rows"] == 1 else f", {row['rows']} times"
        yield f"row of {row['table']}{times}: function {readable(row['function'])}, {readable(key)}{wins}"
    claims = ", ".join(f"{readable(name)}:{readable(value)}" for name, value in inference["claimed_tags"].items())
    if claims:
        yield f"claimed by the client, and not billed by: {claims}"


def _key(found: dict[str, Any]) -> Iterator[str]:
    key = found["key"]
    if key is None:
        return
    description = "" if key["description"] is None else f", {readable(key['description'])}"
    yield f"key {key['public_id']}{description}, then {key['status']}; its tags then:"
    for tag in found["tags"]:
        event = tag["event"]
        what = f"{readable(tag['name'])}: {shown(tag['value'])}, {'removed' if tag['value'] is None else 'set'}"
        yield f"  {what} by position {event['position']}, {actor(event)}"
        yield f"    from {event['effective_at']}, recorded {event['recorded_at']}"
        if event["reason"]:
            yield f"    reason: {indented(event['reason'])}"
