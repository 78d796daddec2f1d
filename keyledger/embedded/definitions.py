"""Mends what a full disk leaves: a definition of the engine that was cut short.

It writes one file for each table, view and dictionary, in `metadata/<database>/`. With a broken one it does not start,
or worse: a view that was cut between two lines may mean something else. So we keep the digests of the views' files, in
a file of ours, and remove those that have another one: views and the dictionary are made at every start where they
differ, and most tables of the ledger from the log. Of anything else a backup has the file.
"""

from __future__ import annotations

import json
import logging
import re
from hashlib import sha256
from pathlib import Path
from typing import Final

from keyledger.embedded.errors import DefinitionBroken
from keyledger.embedded.private_file import write_private
from projections.engine import ddl
from projections.usage.tables import JOURNAL_TABLES

logger = logging.getLogger(__name__)

_DIGESTS: Final = "view-definitions.json"
# What the log can't give again: decisions of an operator, and what the gateway may have no longer.
_KEPT: Final = frozenset({"dead_letter_v1", *JOURNAL_TABLES})
# How the engine ends the definition of a table of the MergeTree family.
_END: Final = re.compile(rb"\nSETTINGS [^\n]*\n\Z")


def keep_definitions(folder: Path, clickhouse: Path, ledger: str) -> None:
    """Note the views' files as they are now, when `ddl.apply` has made them. `folder` is the data folder."""
    metadata = clickhouse / "metadata" / ledger
    digests = {name: _digest(metadata / f"{name}.sql") for name in sorted(ddl.LEDGER_VIEWS)}
    if _read(folder) != digests:
        write_private(folder / _DIGESTS, json.dumps(digests, indent=1))


def mend_definitions(folder: Path, clickhouse: Path, ledger: str, gateway: str) -> None:
    """Remove our broken definitions in the ledger's database. Call it before the engine opens the folder.

    Raises DefinitionBroken for a file that nothing can make again.
    """
    digests = _read(folder)
    for file in sorted((clickhouse / "metadata" / ledger).glob("*.sql")):
        # What an operator made there is none of our business.
        if file.stem in ddl.LEDGER_VIEWS and digests.get(file.stem) != _digest(file):
            if file.stem in digests:
                logger.warning("%s is not as it was written: it is made again", file)
            file.unlink()
        elif file.stem in {*ddl.LEDGER_TABLES, *JOURNAL_TABLES} and not _is_whole(file):
            if file.stem in _KEPT:
                raise _broken(file, ledger)
            logger.warning("%s was cut short: it is made again", file)
            file.unlink()
    for file in sorted((clickhouse / "metadata" / gateway).glob("*.sql")):
        if file.stem in ddl.GATEWAY_TABLES and not _is_whole(file):
            raise _broken(file, gateway)


def _is_whole(file: Path) -> bool:
    return _END.search(file.read_bytes()) is not None


def _broken(file: Path, database: str) -> DefinitionBroken:
    what = f"The definition of {database}.{file.stem} is broken"
    return DefinitionBroken(f"{what}: put {file} back from a backup, and start again.")


def _digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()


def _read(folder: Path) -> dict[str, str]:
    """The digests by name; none where the file is missing or is not ours: then all views are made again."""
    try:
        found = json.loads((folder / _DIGESTS).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
