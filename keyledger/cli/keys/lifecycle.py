"""keyledger keys suspend, resume, rotate, revoke-credential, cancel-scheduled: a key's life, secrets and plans."""

from __future__ import annotations

from typing import Annotated

import typer

from keyledger.cli.client import AsJson, CommandFailed, Data, Reason, WaitForGateway, given, send, waiting_for
from keyledger.cli.keys.keys import PublicId, print_key, print_new_key, segment
from keyledger.cli.printing.output import print_json
from keyledger.client.calls import cancel_scheduled as cancel_scheduled_change
from keyledger.client.calls import resume_key, rotate_key, suspend_key
from keyledger.client.calls import revoke_credential as revoke_key_credential


def register(app: typer.Typer) -> None:
    """Put the commands on the app of `keys`."""
    app.command(epilog="Example: keyledger keys suspend abcDEF123456 --reason 'invoice unpaid'")(suspend)
    app.command(epilog="Example: keyledger keys resume abcDEF123456 --reason 'invoice paid'")(resume)
    app.command(epilog="Example: keyledger keys rotate abcDEF123456 --overlap-s 86400")(rotate)
    app.command(epilog="Example: keyledger keys revoke-credential abcDEF123456 ghiJKL789012 --reason 'laptop lost'")(
        revoke_credential
    )
    app.command(epilog="Example: keyledger keys cancel-scheduled abcDEF123456 4711 --reason 'moves later'")(
        cancel_scheduled
    )


def suspend(
    public_id: PublicId,
    reason: Reason = None,
    wait_for_gateway: WaitForGateway = False,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Stop a key until it is resumed; a repeat changes nothing."""
    key = send(data, suspend_key(segment(public_id), reason=reason, wait_for=waiting_for(wait_for_gateway)))
    print_json(key) if json else print_key(key)


def resume(public_id: PublicId, reason: Reason = None, data: Data = None, json: AsJson = False) -> None:
    """Let a suspended key work again; a repeat changes nothing."""
    key = send(data, resume_key(segment(public_id), reason=reason))
    print_json(key) if json else print_key(key)


def rotate(
    public_id: PublicId,
    overlap_s: Annotated[int | None, typer.Option(min=0, help="The old secrets work so many seconds longer.")] = None,
    compromised: Annotated[bool, typer.Option("--compromised", help="The old secrets end at once.")] = False,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Give a key a new secret, which is printed this once; its tags and history stay."""
    if (overlap_s is None) != compromised:
        raise CommandFailed("give one of --overlap-s and --compromised", 2)
    others = given(overlap_s=overlap_s, compromised=compromised or None)
    rotated = send(data, rotate_key(segment(public_id), **others))
    print_json(rotated) if json else print_new_key(rotated)


def revoke_credential(
    public_id: PublicId,
    credential_id: Annotated[str, typer.Argument(help="The 12 characters inside the secret that ends.")],
    reason: Reason = None,
    wait_for_gateway: WaitForGateway = False,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Revoke one credential of a key for good; its others live on, and a repeat changes nothing."""
    ends, wait_for = (segment(public_id), segment(credential_id)), waiting_for(wait_for_gateway)
    key = send(data, revoke_key_credential(*ends, reason=reason, wait_for=wait_for))
    print_json(key) if json else print_key(key)


def cancel_scheduled(
    public_id: PublicId,
    position: Annotated[int, typer.Argument(min=1, help="That of the change, as `keyledger keys show` has it.")],
    reason: Reason = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Cancel a scheduled change of tags before it is in effect; a repeat changes nothing."""
    key = send(data, cancel_scheduled_change(segment(public_id), position, reason=reason))
    print_json(key) if json else print_key(key)
