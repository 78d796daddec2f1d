"""keyledger prices set, end."""

from __future__ import annotations

from typing import Annotated

import typer

from keyledger.cli.client import AsJson, Data, Reason, given, pairs, send
from keyledger.cli.finance.what_if import DryRunBill, GroupBy, dry_run, refuse_group_by
from keyledger.cli.prices.reading import PriceId, checked_id, print_price
from keyledger.cli.printing.output import print_json
from keyledger.client import calls

Amount = Annotated[str | None, typer.Option(help="Per million tokens.")]
EffectiveAt = Annotated[str | None, typer.Option(help="From when it counts; the past needs --reason.")]


def register(app: typer.Typer) -> None:
    """Put the commands on the app of `prices`."""
    app.command(
        "set",
        epilog="Example: keyledger prices set llama-gold --model llama-3.3-70b --tag billing_tier:gold --currency EUR "
        "--input 0.15 --output 0.60",
    )(set_price)
    app.command(epilog="Example: keyledger prices end llama-gold --effective-at 2027-01-01T00:00:00Z")(end)


def set_price(
    price_id: PriceId,
    model: Annotated[str, typer.Option(help="The model as the gateway names it; '*': any.")],
    currency: Annotated[str, typer.Option(help="Three capital letters, such as EUR.")],
    provider: Annotated[str | None, typer.Option(help="The provider of the model; any if none is given.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="name:value that the key must have; repeat.")] = None,
    input_: Annotated[str | None, typer.Option("--input", help="Per million input tokens.")] = None,
    output: Annotated[str | None, typer.Option(help="Per million output tokens.")] = None,
    cache_read: Annotated[str | None, typer.Option(help="Per million tokens from the provider's cache.")] = None,
    cache_write: Annotated[str | None, typer.Option(help="Per million tokens into the provider's cache.")] = None,
    cached_input: Annotated[str | None, typer.Option(help="Per million, from the gateway's cache.")] = None,
    cached_output: Annotated[str | None, typer.Option(help="Per million, from the gateway's cache.")] = None,
    per_inference: Annotated[str | None, typer.Option(help="Once for each inference.")] = None,
    cost_multiplier: Annotated[str | None, typer.Option(help="The recorded cost times this; alone.")] = None,
    effective_at: EffectiveAt = None,
    reason: Reason = None,
    dry_run_bill: DryRunBill = False,
    group_by: GroupBy = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Set what a price charges; a repeat changes nothing. Model, provider and tags are kept for life."""
    amounts = given(
        input=input_,
        output=output,
        cache_read=cache_read,
        cache_write=cache_write,
        cached_input=cached_input,
        cached_output=cached_output,
    )
    change = calls.set_price(
        checked_id(price_id),
        model=model,
        provider=provider,
        tags=pairs(tag or [], "--tag"),
        currency=currency,
        per_million=amounts,
        per_inference=per_inference,
        cost_multiplier=cost_multiplier,
        effective_at=effective_at,
        reason=reason,
    )
    if dry_run_bill:
        dry_run(data, change, group_by, json=json)
        return
    refuse_group_by(group_by)
    price = send(data, change)
    print_json(price) if json else print_price(price)


def end(
    price_id: PriceId,
    effective_at: EffectiveAt = None,
    reason: Reason = None,
    dry_run_bill: DryRunBill = False,
    group_by: GroupBy = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """End a price, with what is scheduled after it; a repeat changes nothing."""
    change = calls.end_price(checked_id(price_id), effective_at=effective_at, reason=reason)
    if dry_run_bill:
        dry_run(data, change, group_by, json=json)
        return
    refuse_group_by(group_by)
    price = send(data, change)
    print_json(price) if json else print_price(price)
