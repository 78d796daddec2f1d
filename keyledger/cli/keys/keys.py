"""keyledger keys: the admin calls, by the operator of the machine."""

from __future__ import annotations

from typing import Annotated, Any

import httpx
import typer

from keyledger.cli.client import (
    AsJson,
    CommandFailed,
    Data,
    Reason,
    WaitForGateway,
    ask,
    call,
    given,
    items,
    pairs,
    send,
    waiting_for,
)
from keyledger.cli.finance.what_if import DryRunBill, GroupBy, dry_run, refuse_group_by
from keyledger.cli.printing.output import complain, print_json, say
from keyledger.cli.printing.tables import print_fields, print_table
from keyledger.client.calls import create_key, edit_key, revoke_key, show_key, show_key_usage
from keyledger.client.calls import list_keys as keys_that

app = typer.Typer(
    help="Create, list, show, tag, suspend, rotate and revoke API keys.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="Example: keyledger keys create --tag customer_id:acme",
)

Tags = Annotated[list[str] | None, typer.Option("--tag", help="name:value; repeat for more.")]
PublicId = Annotated[str, typer.Argument(help="The key's public_id, or any of its credentials' ids.")]


@app.command(epilog="Example: keyledger keys create --tag customer_id:acme --tag billing_tier:gold")
def create(
    tag: Tags = None,
    description: Annotated[str | None, typer.Option(help="A note for people.")] = None,
    expiration: Annotated[str | None, typer.Option(help="When it ends: RFC 3339 with an offset.")] = None,
    organization: Annotated[str | None, typer.Option(help="The gateway's organization.")] = None,
    workspace: Annotated[str | None, typer.Option(help="The gateway's workspace.")] = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Make a key. Its secret is printed this once and kept nowhere."""
    gateway = given(organization=organization, workspace=workspace)
    tags = pairs(tag or [], "--tag")
    made = send(data, create_key(tags, description=description, expiration=expiration, **gateway))
    if json:
        print_json(made)
        return
    print_new_key(made)


@app.command("list", epilog="Example: keyledger keys list --tag customer_id:acme --status active")
def list_keys(
    tag: Tags = None,
    has_tag: Annotated[list[str] | None, typer.Option(help="Has a tag of this name; repeatable.")] = None,
    lacks_tag: Annotated[list[str] | None, typer.Option(help="Has no tag of this name; repeatable.")] = None,
    status: Annotated[
        list[str] | None, typer.Option(help="active, suspended, expired or revoked; repeatable: any of them.")
    ] = None,
    organization: Annotated[str | None, typer.Option(help="Of this organization of the gateway.")] = None,
    workspace: Annotated[str | None, typer.Option(help="Of this workspace of the gateway.")] = None,
    q: Annotated[
        str | None, typer.Option("-q", "--search", help="With this text in an id, the description or a tag's value.")
    ] = None,
    created_since: Annotated[str | None, typer.Option(help="Created then or later: RFC 3339 with an offset.")] = None,
    created_until: Annotated[str | None, typer.Option(help="Created before then.")] = None,
    expires_since: Annotated[str | None, typer.Option(help="Expires then or later.")] = None,
    expires_until: Annotated[str | None, typer.Option(help="Expires before then.")] = None,
    count: Annotated[bool, typer.Option("--count", help="Only say how many there are.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many; all by default.")] = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """List keys, newest first: those that pass all filters."""
    pages = keys_that(
        tag=tag or (),
        has_tag=has_tag or (),
        lacks_tag=lacks_tag or (),
        status=status or (),
        organization=organization,
        workspace=workspace,
        q=q,
        created_since=created_since,
        created_until=created_until,
        expires_since=expires_since,
        expires_until=expires_until,
    )
    if count:
        total = send(data, pages.asking(count=True, limit=1))["total"]
        if json:
            print_json({"total": total})
        else:
            say(str(total))
        return

    found = items(data, pages, limit)
    if json:
        print_json(found)
        return
    columns = ("public_id", "status", "created_at", "tags", "description")
    rows = ((one["public_id"], one["status"], one["created_at"], _tags(one), one["description"]) for one in found)
    print_table(columns, rows)


@app.command(epilog="Example: keyledger keys show abcDEF123456 --at 2026-03-01T00:00:00Z")
def show(
    public_id: PublicId,
    at: Annotated[str | None, typer.Option(help="As of this instant: RFC 3339 with an offset.")] = None,
    known_at: Annotated[int | None, typer.Option(min=0, help="As known at this position of the log.")] = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Show a key: as it is, with the last use of each credential; as of an instant; or as known at a position."""
    public_id = segment(public_id)

    async def both(client: httpx.AsyncClient) -> tuple[dict[str, Any], dict[str, Any] | None, str | None]:
        key = await ask(client, show_key(public_id, at=at, known_at=known_at))
        if at is not None or known_at is not None:
            return key, None, None
        try:
            return key, await ask(client, show_key_usage(public_id)), None
        except CommandFailed as failed:
            return key, None, str(failed)

    key, usage, unknown = call(data, both)
    if json:
        print_json(key if at is not None or known_at is not None else {**key, "usage": usage})
    else:
        print_key(key, usage)
    if unknown is not None:
        complain(f"the last use is not known now: {unknown}")


@app.command(epilog="Example: keyledger keys tag abcDEF123456 --set customer_id:globex --remove trial --reason 'moved'")
def tag(
    public_id: PublicId,
    set_: Annotated[list[str] | None, typer.Option("--set", help="name:value; repeat for more.")] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", help="A tag's name; repeat for more.")] = None,
    effective_at: Annotated[
        str | None,
        typer.Option(
            "--at", "--effective-at", help="From when it counts: the past needs --reason, the future schedules it."
        ),
    ] = None,
    reason: Reason = None,
    dry_run_bill: DryRunBill = False,
    group_by: GroupBy = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Set and remove tags of a key."""
    changes: dict[str, str | None] = {**pairs(set_ or [], "--set")}
    for name in remove or []:
        if name in changes:
            raise CommandFailed(f"{name!r} is both set and removed", 2)
        changes[name] = None
    if not changes:
        raise CommandFailed("nothing to change: give --set or --remove", 2)
    change = edit_key(segment(public_id), tags=changes, reason=reason, effective_at=effective_at)
    if dry_run_bill:
        dry_run(data, change, group_by, json=json)
        return
    refuse_group_by(group_by)
    key = send(data, change)
    print_json(key) if json else print_key(key)


@app.command(epilog="Example: keyledger keys revoke abcDEF123456 --reason 'contract ended'")
def revoke(
    public_id: PublicId,
    reason: Reason = None,
    wait_for_gateway: WaitForGateway = False,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Revoke a key for good; a repeat changes nothing."""
    key = send(data, revoke_key(segment(public_id), reason=reason, wait_for=waiting_for(wait_for_gateway)))
    print_json(key) if json else print_key(key)


def segment(any_id: str) -> str:
    """An id as part of a path. Raises CommandFailed for one that can't be."""
    if not (any_id.isascii() and any_id.isalnum()):
        raise CommandFailed("the id of a key or credential has letters and digits alone", 2)
    return any_id


def _tags(key: dict[str, Any]) -> str:
    return ", ".join(f"{name}:{value}" for name, value in key["tags"].items())


def print_key(key: dict[str, Any], usage: dict[str, Any] | None = None) -> None:
    """The key for a person, with the last use of each credential where it is known."""
    apart = {"tags", "credentials", "scheduled", "api_key"}
    rows = [(name, value) for name, value in key.items() if name not in apart]
    rows.insert(1, ("tags", _tags(key)))
    used = {one["credential_id"]: one for one in usage["items"]} if usage else {}
    rows += [("credential", _credential(one) + _used(used.get(one["credential_id"]))) for one in key["credentials"]]
    rows += [("scheduled", _scheduled(one)) for one in key["scheduled"]]
    if usage:
        rows.append(("usage seen until", usage["seen_until"]))
    print_fields(rows)


def print_new_key(key: dict[str, Any]) -> None:
    """The key with its new secret for a person."""
    print_key(key)
    say(f"\napi_key: {key['api_key']}\n(shown this once: keep it now)")


def _credential(one: dict[str, Any]) -> str:
    if one["revoked_at"] is not None:
        return f"{one['credential_id']}, revoked at {one['revoked_at']}"
    until = "" if one["expires_at"] is None else f", until {one['expires_at']}"
    return f"{one['credential_id']}{until}"


def _scheduled(one: dict[str, Any]) -> str:
    changes = [*(f"{name}:{value}" for name, value in one["set"].items()), *(f"no {name}" for name in one["remove"])]
    why = "" if one["reason"] is None else f" ({one['reason']})"
    return f"from {one['effective_at']}: {', '.join(changes)}{why}, position {one['position']}"


def _used(use: dict[str, Any] | None) -> str:
    if use is None:
        return ""
    if use["last_used_at"] is None:
        return ", never used"
    return f", last used {use['last_used_at']}, {use['inferences']} inferences"
