"""keyledger keys import-file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from keyledger.cli.client import AsJson, CommandFailed, Data
from keyledger.cli.keys.files.journal import BadJournal, Journal
from keyledger.cli.keys.files.rows import BadFile, Row, read_rows
from keyledger.cli.keys.files.run import MAX_BATCH, Import, Outcome, Registry, RowsRefused
from keyledger.cli.printing.output import counting, print_json, say
from keyledger.client import ClientError
from keyledger.embedded.folder import DataFolder
from keyledger.settings import Settings
from keyledger.settings.chosen import folder_of
from registry.keys.secrets import id_of_token

_TOKEN_VARIABLE: Final = "KEYLEDGER_ADMIN_TOKEN"  # noqa: S105 - the name of a variable


def register(app: typer.Typer) -> None:
    """Put the command on the app of `keys`."""
    app.command("import-file", epilog="Example: keyledger keys import-file ./customers.csv --out ./secrets.ndjson")(
        import_file
    )


def import_file(
    file: Annotated[
        Path,
        typer.Argument(
            help="A .csv with the columns tags.<name>, description, expiration, organization, workspace; or an .ndjson "
            "of bodies of creations. With public_id in each row, they are edits.",
            exists=True,
            dir_okay=False,
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Where results go, secrets too: readable by you alone. FILE.out by default.")
    ] = None,
    registry: Annotated[str, typer.Option(help="Its address, without any login.")] = "http://127.0.0.1:8080",
    token_file: Annotated[
        Path | None,
        typer.Option(
            help=f"A file with an admin token; else {_TOKEN_VARIABLE}, else the token in the data folder.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, max=MAX_BATCH, help="Keys made at once, all or none.")] = 200,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only read the file, and say what it asks for.")] = False,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Make keys by the rows of a file, or edit them; over HTTP, with an admin token.

    It may be stopped or fail at any moment, and be run again: what is done is not done twice, and a secret whose answer
    was lost is got again, within a day and with the same token. A batch that is refused changes nothing, and ends it.
    """
    try:
        rows = read_rows(file)
        if dry_run:
            _tell({"rows": len(rows), "what": _what(rows)}, f"{len(rows)} rows that {_what(rows)} keys", json=json)
            return
        where = out or file.with_name(f"{file.name}.out")
        if where.exists() and where.samefile(file):
            raise CommandFailed("--out must be another file than the one that is read", 2)
        outcome = _run(rows, where, registry, _token(token_file, data), batch)
    except BadFile as error:
        raise CommandFailed(str(error), 2) from error
    except (BadJournal, RowsRefused) as error:
        raise CommandFailed(str(error)) from error
    except ClientError as error:
        raise CommandFailed(f"{error}. Run it again: nothing is done twice") from error
    shown = {"done": outcome.done, "done_before": outcome.before, "out": str(where)}
    before = f", {outcome.before} were done before" if outcome.before else ""
    _tell(shown, f"{outcome.done} rows done{before}: {where}", json=json)


def _run(rows: list[Row], where: Path, url: str, token: str, batch: int) -> Outcome:
    token_id = id_of_token(token)
    if token_id is None:
        raise CommandFailed("the admin token is not one: kl-admin-<12 characters>-<48 characters>", 2)
    with Journal(where) as journal, counting() as bars:
        bar = bars.add_task(where.name, total=len(rows))
        return Import(Registry(url, token_id, token), rows, journal).run(batch, lambda count: bars.advance(bar, count))


def _token(file: Path | None, data: Path | None) -> str:
    if file is None and (text := os.environ.get(_TOKEN_VARIABLE)):
        return text.strip()
    held = file or DataFolder(folder_of(data, Settings.read())).admin_token
    try:
        return held.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"no admin token: set {_TOKEN_VARIABLE}, or name a file with --token-file", 2) from error


def _what(rows: list[Row]) -> str:
    return "make" if rows[0].public_id is None else "edit"


def _tell(shown: dict[str, Any], words: str, *, json: bool) -> None:
    if json:
        print_json(shown)
    else:
        say(words)
