"""keyledger token: admin tokens, straight in the registry."""

from __future__ import annotations

from typing import Annotated

import typer

from keyledger.cli.client import AsJson, CommandFailed, Data, given, pairs, request
from keyledger.cli.printing.output import print_json, say
from keyledger.cli.printing.tables import print_fields, print_table
from registry.tokens.state import SCOPES

app = typer.Typer(
    help="Create, list and revoke admin tokens.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="Example: keyledger token create --name portal --scope keys:write",
)


@app.command(epilog="Example: keyledger token create --name portal --scope keys:read --scope keys:write")
def create(
    name: Annotated[str, typer.Option(help="Whose it is.")],
    scope: Annotated[list[str], typer.Option(help=f"Of {', '.join(SCOPES)}; repeat for more, or part by commas.")],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[SCOPE]...", help="More scopes, as after --scope.")
    ] = None,
    expires_at: Annotated[str | None, typer.Option(help="When it ends: RFC 3339 with an offset.")] = None,
    confine: Annotated[
        list[str] | None, typer.Option(help="Only keys with this tag, name:value; repeat for more.")
    ] = None,
    organization: Annotated[str | None, typer.Option(help="Only keys of this organization of the gateway.")] = None,
    workspace: Annotated[str | None, typer.Option(help="Only keys of this workspace of the gateway.")] = None,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Make an admin token. It is printed this once; the registry keeps only its hash."""
    scopes = [one for text in [*scope, *(more or [])] for one in text.split(",") if one]
    within = given(tags=pairs(confine or [], "--confine") or None, organization=organization, workspace=workspace)
    body = given(name=name, scopes=scopes, expires_at=expires_at, confined_to=within or None)
    made = request(data, "POST", "/operator/tokens", json=body)
    if json:
        print_json(made)
        return
    print_fields((key, _text(value)) for key, value in made.items() if key != "token")
    say(f"\ntoken: {made['token']}\n(shown this once: keep it now)")


@app.command("list", epilog="Example: keyledger token list --json")
def list_tokens(data: Data = None, json: AsJson = False) -> None:
    """List admin tokens, oldest first."""
    items = request(data, "GET", "/operator/tokens")["items"]
    if json:
        print_json(items)
        return
    columns = ("token_id", "name", "scopes", "status", "created_at", "expires_at", "last_used_at", "confined_to")
    print_table(columns, ([_text(one[column]) for column in columns] for one in items))


@app.command(epilog="Example: keyledger token revoke abcDEF123456")
def revoke(
    token_id: Annotated[str, typer.Argument(help="As `keyledger token list` shows it.")],
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Revoke an admin token at once; a repeat changes nothing."""
    if not (token_id.isascii() and token_id.isalnum()):
        raise CommandFailed("a token_id has letters and digits alone", 2)
    token = request(data, "DELETE", f"/operator/tokens/{token_id}")
    if json:
        print_json(token)
        return
    say(f"token {token['token_id']} ({token['name']}) is revoked since {token['revoked_at']}")


def _text(value: object) -> object:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):  # a confinement
        places = [f"{name} {text}" for name, text in value.items() if isinstance(text, str)]
        return ", ".join([*(f"{name}:{text}" for name, text in value["tags"].items()), *places])
    return value
