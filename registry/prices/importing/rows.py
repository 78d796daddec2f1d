"""A file of prices as rows: each a price, or why it is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from registry.errors import FieldFault, FieldsRefused
from registry.prices.terms import NewPrice, price_faults

MAX_BYTES: Final = 64 << 20
MAX_ROWS: Final = 50_000


@dataclass(frozen=True, slots=True)
class PriceRow:
    """What a file says of one price: where, and the price; or what is wrong with it, or why it is left out."""

    line: int
    name: str
    price: NewPrice | None = None
    faults: tuple[FieldFault, ...] = ()
    left_out: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows of a file are meant: patterns of models and providers, where `*` is any text; None: all.

    `shorthand` names a model of LiteLLM's map as a gateway does that is asked for `provider::model`.
    """

    models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    shorthand: bool = False

    def fits(self, model: str, provider: str | None) -> bool:
        """Whether a row is meant."""
        return _fits(model, self.models) and _fits(provider or "", self.providers)


Reader = Callable[[str, Wanted], Iterable[PriceRow]]


class FileRefused(FieldsRefused):
    """The file as a whole is no file of prices."""

    def __init__(self, why: str) -> None:
        super().__init__(FieldFault("file", why))


def read_prices(path: Path, readers: Mapping[str, Reader], wanted: Wanted) -> list[PriceRow]:
    """The rows that are meant, in the order of the file. Raises FileRefused."""
    reader = readers.get(path.suffix)
    if reader is None:
        raise FileRefused(f"{path.name} must end in {', '.join(readers)}")
    if not path.is_file():  # a pipe would never end
        raise FileRefused(f"{path} is no file")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FileRefused(f"{path.name} is over {MAX_BYTES >> 20} MiB: no file of prices is so large")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FileRefused(f"{path} can't be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise FileRefused(f"{path.name} is not UTF-8") from error
    rows = list(_each_once(reader(text, wanted)))
    if len(rows) > MAX_ROWS:
        raise FileRefused(f"{path.name} has more than {MAX_ROWS} prices")
    return rows


def checked(line: int, price: NewPrice, note: str | None = None) -> PriceRow:
    """The row of a price, with what is wrong with it."""
    faults = tuple(price_faults(price))
    return PriceRow(line, price.price_id, price, faults, note=note)


def is_meant(row: PriceRow, wanted: Wanted) -> bool:
    """Whether a row is meant by the names in it; one that names no price is."""
    return row.price is None or wanted.fits(row.price.model, row.price.provider)


def _each_once(rows: Iterable[PriceRow]) -> Iterable[PriceRow]:
    lines: dict[str, int] = {}
    for row in rows:
        if row.price is None or row.faults:
            yield row
            continue
        first = lines.setdefault(row.price.price_id, row.line)
        if first == row.line:
            yield row
        else:
            fault = FieldFault("price_id", f"is that of line {first}, too")
            yield PriceRow(row.line, row.name, row.price, (fault,))


def _fits(text: str, patterns: tuple[str, ...]) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)
