"""What the commands of finance have in common: the options of a bill's question, and the figures of a line."""

from __future__ import annotations

from typing import Annotated, Any, Final

import httpx
import typer

from keyledger.cli.client import checked
from keyledger.cli.finance.charges import charges_of

KnownAt = Annotated[int | None, typer.Option(min=0, help="As known at this position of the log.")]
UsageKnownAt = Annotated[
    int | None, typer.Option(min=0, help="With the usage that the log had anchored up to this position.")
]
Tags = Annotated[list[str] | None, typer.Option(help="name:value; repeat: all must hold.")]
OfKey = Annotated[str | None, typer.Option("--key", help="Of one key alone: the id of any of its credentials.")]
Zone = Annotated[str | None, typer.Option(help="IANA name for hour, day and month; UTC by default.")]

# The figures of a line but for its inferences, in their order.
FIGURES: Final = (
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cached_output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cost_usd",
    "unpriced",
    "charges",
    "unrated",
)


async def acknowledged(client: httpx.AsyncClient, known_at: int | None) -> int | None:
    """The position that an answer must hold, so that what was acknowledged before the command is in it.

    None where the question itself names one.
    """
    return None if known_at is not None else checked(await client.get("/operator/status"))["head"]


def cells_of(figures: dict[str, Any], names: tuple[str, ...]) -> list[Any]:
    """Figures as cells of a table."""
    return [charges_of(figures[name]) if name == "charges" else figures[name] for name in names]
