"""keyledger audit export, import: the backup that proves itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import httpx
import msgspec
import typer

from keyledger.cli.client import AsJson, CommandFailed, Data, call, checked
from keyledger.cli.printing.output import counting, print_json, say
from keyledger.http.answer.encode import encode
from keyledger.settings import Settings

if TYPE_CHECKING:  # each command imports what it runs: --help stays quick
    from audit.archive.manifest import Manifest
    from registry.progress import Progress

_EXPORT = "/audit/export"
_HASHES = "/operator/audit/credentials"
_WITH_CREDENTIALS = "Also the hashes of secrets, so that keys and tokens work where the archive is restored."

Advance = Callable[[int], None]


def register(app: typer.Typer) -> None:
    """Put the commands on the app of `audit`."""
    app.command("export", epilog="Example: keyledger audit export ./ledger-2026-03-01 --with-credentials")(
        export_archive
    )
    app.command("import", epilog="Example: keyledger audit import ./ledger-2026-03-01 --data ./restored")(
        import_archive
    )


def export_archive(
    path: Annotated[Path, typer.Argument(help="The folder to make; nothing may be there.")],
    until: Annotated[int | None, typer.Option(min=0, help="The last position; the head by default.")] = None,
    with_credentials: Annotated[bool, typer.Option("--with-credentials", help=_WITH_CREDENTIALS)] = False,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Write the log into a folder that can be proved and restored; no secret, nor its hash unless asked for."""

    async def run(client: httpx.AsyncClient) -> Manifest:
        from audit.archive.writer import ArchiveContent, write_archive  # noqa: PLC0415 - see above

        first = await _page(client, 0, until, 1)
        last = int(first.headers["Keyledger-Position"]) if until is None else until
        with counting() as bars:
            task = bars.add_task("events", total=last)

            def advance(position: int) -> None:
                bars.update(task, completed=position)

            hashes = _hash_lines(client, last) if with_credentials else None
            source = ArchiveContent(
                UUID(first.headers["Keyledger-Log-Id"]), _event_lines(client, last, advance), hashes
            )
            return await write_archive(path, source, datetime.now(UTC))

    manifest = call(data, run, quiet=True)
    if json:
        print_json({"path": str(path), **_about(manifest)})
        return
    say(f"exported log {manifest.log_id} up to position {manifest.head.position} into {path}")
    say(f"hash of its head: {manifest.head.hash}")


def import_archive(
    path: Annotated[Path, typer.Argument(help="An archive that `export` wrote.")],
    check: Annotated[bool, typer.Option("--check", help="Only prove the archive; restore nothing.")] = False,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Restore an archive into an empty registry, whole or not at all, and prove that it is the same log.

    The registry is a data folder, which is made when it is new, or the production database after `keyledger migrate`.
    """
    with counting() as bars:
        tasks: dict[str, Any] = {}

        def tell(progress: Progress) -> None:
            if progress.stage not in tasks:
                tasks[progress.stage] = bars.add_task(progress.stage, total=progress.total)
            bars.update(tasks[progress.stage], completed=progress.done)

        done = _check(path, tell) if check else _restore(path, data, tell)
    if json:
        print_json(done)
        return
    for line in _words(done):
        say(line)


def _restore(path: Path, data: Path | None, tell: Callable[[Progress], None]) -> dict[str, Any]:
    from keyledger.runtime.restore import restore_archive  # noqa: PLC0415 - see above

    done: dict[str, Any] = encode(asyncio.run(restore_archive(path, data, Settings.read(), tell)))
    return done


def _check(path: Path, tell: Callable[[Progress], None]) -> dict[str, Any]:
    from audit.archive.reader import check_archive, open_archive  # noqa: PLC0415 - see above

    archive = open_archive(path, tell)
    check_archive(archive, tell)
    head = archive.manifest.head
    return {"log_id": archive.manifest.log_id, "position": head.position, "hash": head.hash}


def _words(done: dict[str, Any]) -> list[str]:
    what = "restored" if "keys" in done else "whole"
    lines = [f"{what}: log {done['log_id']} up to position {done['position']}", f"hash of its head: {done['hash']}"]
    keys, tokens = done.get("keys_without_secret", 0), done.get("tokens_without_secret", 0)
    if keys or tokens:
        lines.append(
            f"{keys} of {done['keys']} keys and {tokens} of {done['tokens']} admin tokens have no secret here and "
            "can't log in: make new ones (`keyledger token create` makes a token)"
        )
    return lines


async def _event_lines(client: httpx.AsyncClient, last: int, advance: Advance) -> AsyncIterator[bytes]:
    position = 0
    while position < last:
        lines = (await _page(client, position, last, None)).content
        if not lines.endswith(b"\n"):
            raise CommandFailed(f"the registry's answer ends within the line of position {position + 1}")
        position += lines.count(b"\n")
        advance(position)
        yield lines


async def _hash_lines(client: httpx.AsyncClient, last: int) -> AsyncIterator[bytes]:
    from audit.archive.secret_hashes import SecretHash  # noqa: PLC0415 - see above

    position = 0
    while position < last:
        page = checked(await client.get(_HASHES, params={"after": position, "until": last}))
        position = page["position"]
        yield b"".join(msgspec.json.encode(msgspec.convert(one, SecretHash)) + b"\n" for one in page["items"])


async def _page(client: httpx.AsyncClient, after: int, until: int | None, limit: int | None) -> httpx.Response:
    query = {name: value for name, value in (("after", after), ("until", until), ("limit", limit)) if value is not None}
    response = await client.get(_EXPORT, params=query)
    if not response.is_success:
        checked(response)
    return response


def _about(manifest: Manifest) -> dict[str, Any]:
    fields: dict[str, Any] = encode(manifest)
    del fields["sha256"]
    return fields
