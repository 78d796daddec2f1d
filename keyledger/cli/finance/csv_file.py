"""The CSV of a bill, byte for byte on stdout, and what is to be known of it on stderr."""

from __future__ import annotations

from typing import Final

import httpx

from keyledger.cli.client import CommandFailed, problem_of
from keyledger.cli.printing.output import complain, print_raw

HEADERS: Final = {"Accept": "text/csv"}
_ROUNDING: Final = "Keyledger-Rounding"
_FORMULAS: Final = "Keyledger-Formula-Values"


def print_csv(response: httpx.Response) -> None:
    """Print it. Raises CommandFailed where the bill was refused."""
    if not response.is_success:
        raise CommandFailed(problem_of(response))
    print_raw(response.content)
    if (rounding := response.headers.get(_ROUNDING)) is not None:
        complain(f"rounding each line changed the sums by {rounding or 'nothing'}")
    if int(response.headers.get(_FORMULAS, 0)):
        complain(
            f"{response.headers[_FORMULAS]} values begin with =, +, - or @, which a spreadsheet takes for formulas: "
            "import the columns of names as text"
        )
