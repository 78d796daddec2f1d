"""The mapping file: which tags each of the gateway's keys gets.

It is read completely, and every fault is reported with its line. A key with a fault in its row is in the mapping but
has no tags, so it is never imported with only half of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from registry.errors import FieldFault, FieldsRefused
from registry.keys.secrets import PUBLIC_ID
from registry.keys.tags import MAX_TAGS, name_fault, value_fault

MAX_BYTES: Final = 64 << 20
# With more faults than this it is probably the wrong file.
MAX_FAULTS: Final = 10_000
MAX_FIELD: Final = 200
_NO_ID: Final = (
    "must be 12 ASCII letters and digits. The row names no key: with --skip-bad all keys without a row of "
    "their own are left out"
)


class MappingRefused(FieldsRefused):
    """The file as a whole is not a valid mapping."""

    def __init__(self, why: str) -> None:
        super().__init__(FieldFault("tags", why))


@dataclass(frozen=True, slots=True)
class MappingFault:
    """A fault in the row that begins at `line`. `field` is a column, a tag, or `row` for all of it."""

    line: int
    field: str
    detail: str
    public_id: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What the file says about one key: its line, and its tags, None if they have a fault."""

    line: int
    tags: Mapping[str, str] | None


@dataclass(slots=True)
class TagMapping:
    """The entries by `public_id`, and all faults."""

    entries: dict[str, Entry] = field(default_factory=dict)
    faults: list[MappingFault] = field(default_factory=list)
    _judged: dict[tuple[bool, str], tuple[str, str | None]] = field(default_factory=dict, repr=False)

    def add(self, line: int, public_id: str, pairs: Iterable[tuple[str, object]]) -> None:
        """Add the row of a key. Raises MappingRefused if there are too many faults."""
        if PUBLIC_ID.fullmatch(public_id) is None:
            self.refuse(line, "public_id", _NO_ID)
            return
        before = self.entries.get(public_id)
        if before is not None:
            self.refuse(line, "public_id", f"is in line {before.line} already", public_id)
            return
        tags = self._tags(line, public_id, pairs)
        self.entries[public_id] = Entry(line, tags)

    def refuse(self, line: int, name: str, detail: str, public_id: str | None = None) -> None:
        """Record a fault; if it is a key's, drop the key's tags. Raises MappingRefused if there are too many."""
        if len(self.faults) >= MAX_FAULTS:
            raise MappingRefused(f"has more than {MAX_FAULTS} faults: is it the right file?")
        known = public_id if public_id is not None and PUBLIC_ID.fullmatch(public_id) else None
        self.faults.append(MappingFault(line, name[:MAX_FIELD], detail, known))
        if known is not None:
            before = self.entries.get(known)
            self.entries[known] = Entry(line if before is None else before.line, None)

    @property
    def has_lost_rows(self) -> bool:
        """Whether a bad row does not show which key it is for: then no key can be assumed to be left out on purpose."""
        return any(fault.public_id is None for fault in self.faults)

    def close(self) -> None:
        """All rows were added: free what only `add` needs."""
        self._judged.clear()

    def _tags(self, line: int, public_id: str, pairs: Iterable[tuple[str, object]]) -> Mapping[str, str] | None:
        tags: dict[str, str] = {}
        faulty = False
        for name, value in pairs:
            kept, fault = self._judge(name, is_name=True)
            if fault is not None:
                fault = f"the tag's name {fault}"
            elif kept in tags:
                fault = "is named twice"
            elif not isinstance(value, str):
                fault = "must be a string"
            else:
                tags[kept], fault = self._judge(value, is_name=False)
            if fault is not None:
                faulty = True
                self.refuse(line, name, fault, public_id)
        if len(tags) > MAX_TAGS:
            self.refuse(line, "tags", f"would be {len(tags)}: a key has at most {MAX_TAGS}", public_id)
        return None if faulty or len(tags) > MAX_TAGS else tags

    def _judge(self, text: str, *, is_name: bool) -> tuple[str, str | None]:
        """The text, as one object for all equal texts (customers have many keys), and its fault."""
        judged = self._judged.get((is_name, text))
        if judged is None:
            judged = self._judged[is_name, text] = text, (name_fault if is_name else value_fault)(text)
        return judged


Read = Callable[[str, TagMapping], None]


def read_mapping(path: Path, readers: Mapping[str, Read]) -> TagMapping:
    """Read a file with the reader for its suffix. Blocks; raises MappingRefused."""
    read = readers.get(path.suffix.lower())
    if read is None:
        raise MappingRefused(f"must be a file whose name ends in {' or '.join(readers)}")
    mapping = TagMapping()
    read(_text(path), mapping)
    mapping.close()
    return mapping


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            raise MappingRefused("is not a file of the machine that the registry runs on")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise MappingRefused(f"can't be read ({error.strerror})") from error
    if len(content) > MAX_BYTES:
        raise MappingRefused(f"is larger than {MAX_BYTES >> 20} MiB: import in parts, each with --only-mapped")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise MappingRefused(f"is not UTF-8 in line {line}") from error
