"""Mends what a full disk leaves: the engine does not start with the definition of a table or view that was cut short.

It writes one file for each, in `metadata/<database>/`. Views and the dictionary are made again at every start, and most
tables of the ledger from the log, so their broken files are removed. Of anything else a backup has the file.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Final

from keyledger.embedded.errors import DefinitionBroken
from projections.engine import ddl

logger = logging.getLogger(__name__)

# What the log can't give again: decisions of an operator.
_KEPT: Final = frozenset({"dead_letter_v1"})
# How the engine ends the definition of a table of the MergeTree family, and of what `ddl.apply` makes.
_ENDS: Final = re.compile(rb"\nSETTINGS [^\n]*\n\Z|\nCOMMENT '[0-9a-f]{64}'\n\Z")


def mend_definitions(clickhouse: Path, ledger: str, gateway: str) -> None:
    """Remove our broken definitions in the ledger's database. Call it before the engine opens the folder.

    Raises DefinitionBroken for a file that nothing can make again.
    """
    for database, names in ((ledger, ddl.LEDGER_OBJECTS), (gateway, ddl.GATEWAY_OBJECTS)):
        for file in sorted((clickhouse / "metadata" / database).glob("*.sql")):
            # What an operator made there is none of our business.
            if file.stem not in names or _ENDS.search(file.read_bytes()):
                continue
            if database == gateway or file.stem in _KEPT:
                what = f"The definition of {database}.{file.stem} is broken"
                raise DefinitionBroken(f"{what}: put {file} back from a backup, and start again.")
            logger.warning("%s was cut short or is of an older version: it is made again", file)
            file.unlink()
