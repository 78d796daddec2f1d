"""Damage to an archive: by accident, and by somebody who makes the digests fit again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import rfc8785

from audit.archive.manifest import CREDENTIALS, EVENTS, MANIFEST, Manifest, render
from registry.log import chain
from registry.log.chain_walk import Linked
from registry.log.event_log import RecordedEvent
from registry.publish.cloudevent import write_record

Lines = list[bytes]


class Damage:
    """Makes copies of an archive, each with one random change of one kind."""

    def __init__(self, healthy: Path, scratch: Path, rng: Random) -> None:
        self.healthy = healthy
        self.scratch = scratch
        self.rng = rng
        self.manifest = json.loads((healthy / MANIFEST).read_text())

    def copy(self) -> Path:
        """A healthy copy to be damaged."""
        path = self.scratch / f"{self.rng.getrandbits(64):x}"
        shutil.copytree(self.healthy, path)
        return path

    def flip_a_bit(self) -> Path:
        """In any of the files."""
        path = self.copy()
        file = path / self.rng.choice([EVENTS, EVENTS, CREDENTIALS, MANIFEST])
        content = bytearray(file.read_bytes())
        content[self.rng.randrange(len(content))] ^= 1 << self.rng.randrange(8)
        file.write_bytes(content)
        return path

    def cut_a_file_off(self) -> Path:
        """Anywhere, also between two lines."""
        path = self.copy()
        file = path / self.rng.choice([EVENTS, CREDENTIALS, MANIFEST])
        content = file.read_bytes()
        ends = [place for place, byte in enumerate(content[:-1], 1) if byte == 0x0A]
        file.write_bytes(content[: self.rng.choice([*ends, self.rng.randrange(len(content))])])
        return path

    def flip_a_bit_of_a_line(self) -> Path:
        """And make every digest fit."""
        return self._lines(self._flip)

    def remove_a_line(self) -> Path:
        """And make every digest fit."""
        return self._lines(lambda lines: lines.pop(self.rng.randrange(len(lines))))

    def repeat_a_line(self) -> Path:
        """And make every digest fit."""
        return self._lines(lambda lines: lines.insert(self.rng.randrange(len(lines)), self.rng.choice(lines)))

    def swap_two_lines(self) -> Path:
        """And make every digest fit."""

        def swap(lines: Lines) -> None:
            one, other = self.rng.sample(range(len(lines)), 2)
            lines[one], lines[other] = lines[other], lines[one]

        return self._lines(swap)

    def write_a_line_another_way(self) -> Path:
        """The same event to whoever reads it: with a blank, a member more, or a time in another form."""
        change: Callable[[bytes], bytes] = self.rng.choice([
            lambda line: line.replace(b'","', b'", "', 1),
            lambda line: line.replace(b'"}}', b'","colour":"red"}}') if b'"}}' in line else line[:-2] + b',"a":1}\n',
            lambda line: line.replace(b'Z","sequence"', b'+00:00","sequence"'),
            lambda line: line.replace(b'"hash":"', b'"hash":" '),
        ])  # fmt: skip
        return self._lines(lambda lines: self._replace(lines, change))

    def take_a_line_of_another_log(self) -> Path:
        """The same fact, of a log with another id."""
        other = str(UUID(int=self.rng.getrandbits(128))).encode()
        mine = self.manifest["log_id"].encode()
        return self._lines(lambda lines: self._replace(lines, lambda line: line.replace(mine, other)))

    def change_the_manifest(self) -> Path:
        """In one place, and make its own digest fit."""
        path = self.copy()
        changed = json.loads(json.dumps(self.manifest))
        name = self.rng.choice(
            ["format", "version", "log_id", "chain_rule", "head", "count", "files", "files", "extra", "missing"]
        )
        match name:
            case "head":
                part = self.rng.choice(["position", "hash", "recorded_at"])
                changed["head"][part] = self._other(changed["head"][part])
            case "files":
                file = self.rng.choice([EVENTS, CREDENTIALS])
                part = self.rng.choice(["sha256", "bytes", "lines"])
                changed["files"][file][part] = self._other(changed["files"][file][part])
            case "extra":
                changed["files"]["more.ndjson"] = changed["files"][EVENTS]
            case "missing":
                del changed["files"][self.rng.choice([EVENTS, CREDENTIALS])]
            case _:
                changed[name] = self._other(changed[name])
        write_manifest(path, changed)
        return path

    def lose_a_file(self) -> Path:
        """Any of them."""
        path = self.copy()
        (path / self.rng.choice([EVENTS, CREDENTIALS, MANIFEST])).unlink()
        return path

    def change_a_credential(self) -> Path:
        """Another hash, another id, another owner, a line more, less or elsewhere; every digest fits."""
        path = self.copy()
        lines = (path / CREDENTIALS).read_bytes().splitlines(keepends=True)
        place = self.rng.randrange(len(lines))
        line = json.loads(lines[place])
        match self.rng.choice(["secret_hash", "id", "owner", "twice", "stranger", "first"]):
            case "secret_hash":
                line["secret_hash"] = sha256(b"mallory").hexdigest()
                lines[place] = msgspec.json.encode(line) + b"\n"
            case "id":
                line["id"] = "Zmallory0000"
                lines[place] = msgspec.json.encode(line) + b"\n"
            case "owner":
                line["public_id" if "public_id" in line else "stream"] = "Zmallory0000"
                lines[place] = msgspec.json.encode(line) + b"\n"
            case "twice":
                lines.insert(place, lines[place])
            case "stranger":
                stranger = {"kind": "credential", "id": "Zmallory0000", "secret_hash": "0" * 64, "public_id": "Z" * 12}
                lines.insert(place, msgspec.json.encode(stranger) + b"\n")
            case "first":
                lines.insert(0, lines.pop())
        refit(path, CREDENTIALS, lines)
        return path

    def _lines(self, change: Callable[[Lines], object]) -> Path:
        path = self.copy()
        lines = (path / EVENTS).read_bytes().splitlines(keepends=True)
        change(lines)
        refit(path, EVENTS, lines)
        return path

    def _replace(self, lines: Lines, change: Callable[[bytes], bytes]) -> None:
        place = self.rng.randrange(len(lines))
        before, lines[place] = lines[place], change(lines[place])
        assert lines[place] != before, before

    def _flip(self, lines: Lines) -> None:
        line = bytearray(self.rng.choice(lines))
        place = lines.index(bytes(line))
        line[self.rng.randrange(len(line) - 1)] ^= 1 << self.rng.randrange(8)
        lines[place] = bytes(line)

    def _other(self, value: Any) -> Any:
        if isinstance(value, int):
            return value + self.rng.choice([-1, 1, 2**50])
        place = self.rng.randrange(len(value) - 2)
        digit = "1" if value[place] != "1" else "2"
        return value[:place] + digit + value[place + 1 :]


KINDS = sorted(name for name in vars(Damage) if not name.startswith("_") and name != "copy")


def refit(path: Path, name: str, lines: Lines) -> None:
    """Write lines and make the manifest fit them, count and head too where it can."""
    content = b"".join(lines)
    (path / name).write_bytes(content)
    manifest = json.loads((path / MANIFEST).read_text())
    about = {"sha256": sha256(content).hexdigest(), "bytes": len(content), "lines": content.count(b"\n")}
    manifest["files"][name] = about
    if name == EVENTS:
        manifest["count"] = manifest["head"]["position"] = about["lines"]
    write_manifest(path, manifest)


def write_manifest(path: Path, fields: dict[str, Any]) -> None:
    """A manifest whose own digest fits."""
    fields.pop("sha256", None)
    digest = sha256(rfc8785.dumps(fields)).hexdigest()
    text = json.dumps({**fields, "sha256": digest}, indent=2, ensure_ascii=False)
    (path / MANIFEST).write_bytes(f"{text}\n".encode())


def forge(path: Path, log_id: UUID, events: list[RecordedEvent]) -> None:
    """An archive of events that never were: chained, counted and digested as if they had been."""
    lines, previous, head = [], chain.genesis_hash(log_id), None
    for event in events:
        digest = chain.payload_digest(event.salt, event.payload)
        sealed = chain.sealed(previous, msgspec.structs.replace(event, payload_digest=digest))
        lines.append(write_record(log_id, Linked(previous, sealed))[1] + b"\n")
        previous = sealed.hash
        head = json.loads(lines[-1])["time"]
    path.mkdir()
    content = b"".join(lines)
    (path / EVENTS).write_bytes(content)
    files = {EVENTS: {"sha256": sha256(content).hexdigest(), "bytes": len(content), "lines": len(lines)}}
    manifest = {
        "format": "keyledger-archive",
        "version": 1,
        "log_id": str(log_id),
        "chain_rule": 1,
        "head": {"position": len(lines), "hash": previous.hex(), "recorded_at": head},
        "count": len(lines),
        "files": files,
        "exported_at": "2026-03-01T00:00:00.000000Z",
        "keyledger_version": "0.1.0",
    }
    (path / MANIFEST).write_bytes(render(msgspec.convert(manifest, Manifest)))
