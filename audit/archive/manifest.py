"""An archive's own description: `manifest.json`, which binds the files to one log, one head and their bytes.

It ends with its own digest, and is accepted only exactly as written: no byte of it can change unnoticed.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
import rfc8785
from msgspec.structs import replace

from audit.errors import BadArchive
from registry.log import chain

MANIFEST: Final = "manifest.json"
EVENTS: Final = "events.ndjson"
CREDENTIALS: Final = "credentials.ndjson"
FORMAT: Final = "keyledger-archive"
VERSION: Final = 1
_MAX_BYTES: Final = 64 * 1024


class ArchivedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the archive, described to the byte."""

    sha256: str
    bytes: int
    lines: int


class ArchivedHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last event of the archive; position 0 and the genesis hash if it has none."""

    position: int
    hash: str
    recorded_at: str | None


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The manifest. `sha256` covers the RFC 8785 form of all other members."""

    format: str
    version: int
    log_id: str
    chain_rule: int
    head: ArchivedHead
    count: int
    files: dict[str, ArchivedFile]
    exported_at: str
    keyledger_version: str
    sha256: str = ""


def render(manifest: Manifest) -> bytes:
    """The file, with its digest."""
    fields = msgspec.to_builtins(manifest)
    del fields["sha256"]
    digest = sha256(rfc8785.dumps(fields)).hexdigest()
    text = json.dumps({**fields, "sha256": digest}, indent=2, ensure_ascii=False)
    return f"{text}\n".encode()


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of an archive: intact, and of a known version. Raises BadArchive."""
    try:
        with (folder / MANIFEST).open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise BadArchive(f"there is no archive in {folder}: it has no {MANIFEST}") from None
    except OSError as error:
        raise BadArchive(f"{MANIFEST} can't be read ({error.strerror})") from error
    manifest = _parse(content)
    if manifest.chain_rule != chain.CHAIN_RULE:
        raise BadArchive(f"{MANIFEST} names a chain rule that this version does not know: import with a later one")
    _check_sense(manifest)
    return manifest


def _parse(content: bytes) -> Manifest:
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise BadArchive(f"{MANIFEST} is not a manifest that this version can read") from None
    if (manifest.format, manifest.version) != (FORMAT, VERSION):
        raise BadArchive(f"{MANIFEST} has a format that this version does not know: import with a later one")
    try:
        whole = content == render(replace(manifest, sha256=""))
    except (ValueError, rfc8785.CanonicalizationError):  # a number that no manifest has
        whole = False
    if not whole:
        raise BadArchive(f"{MANIFEST} is not exactly as it was written")
    return manifest


def _check_sense(manifest: Manifest) -> None:
    """Refuse a manifest that contradicts itself or names an impossible log."""
    try:
        same = str(UUID(manifest.log_id)) == manifest.log_id
    except ValueError:
        same = False
    if not same:
        raise BadArchive(f"{MANIFEST} names no log")
    extra = manifest.files.keys() - {EVENTS, CREDENTIALS}
    if extra or EVENTS not in manifest.files:
        raise BadArchive(f"{MANIFEST} must list {EVENTS}, and optionally {CREDENTIALS}, but nothing else")
    events = manifest.files[EVENTS]
    if not 0 <= manifest.count == manifest.head.position == events.lines:
        raise BadArchive(f"{MANIFEST} contradicts itself: count, head and lines must be one number")
