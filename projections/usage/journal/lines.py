"""The SQL of entries: put together from the templates in `clickhouse/queries/journal/`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from projections.engine.templates import Names, sql

# What a line says, and what of it is a figure, which a reversal negates.
_SAYS: Final = (
    "credential_id",
    "at_ms",
    "number",
    "id",
    "state",
    "function_name",
    "model_name",
    "model_provider_name",
    "cached",
    "pairs_before",
)
FIGURES: Final = (
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cached_output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cost_usd",
    "unpriced",
    "model_rows",
    "inference_rows",
    "conflicts",
    "inferences",
    "of_model",
    "of_provider",
    "of_pair",
    "of_charge",
)
LINE_COLUMNS: Final = (*_SAYS, *FIGURES, "fingerprint")
ALL_TAKEN: Final = "18446744073709551615"
_COLUMNS: Final = ("batch", "sign", *LINE_COLUMNS)


def touched(names: Names) -> str:
    """The condition on rows: of the inferences that a batch takes up."""
    return sql("queries/journal/touched", names).strip()


def plain_entries(names: Names) -> str:
    """The INSERT of the entries of most inferences."""
    return sql(
        "queries/journal/plain_entries", names, columns=_listed(_COLUMNS), touched=touched(names), state=_state(names)
    )


@dataclass(frozen=True, slots=True)
class There:
    """What there is to be looked at: without it a statement is the shorter, and says the same.

    `before`: rows of earlier batches. `shared`: ids that several inferences bear. `gone`: rows that went.
    """

    before: bool = True
    shared: bool = True
    gone: bool = True


ALL: Final = There()


def corrections(names: Names, there: There = ALL) -> str:
    """The INSERT of the entries of the inferences in usage_recount_v1: reversals, and what is true now."""
    numbers = f"SELECT number FROM {names.journal}.usage_recount_v1 WHERE batch = {{batch:UInt64}}"  # noqa: S608 - a checked identifier
    now = {
        "columns": _listed(_COLUMNS),
        "line_columns": _listed(LINE_COLUMNS),
        "lines_now": lines(names, "{take_to:UInt64}", numbers, there),
    }
    if not there.before:
        return sql("queries/journal/first_entries", names, **now)
    signed = [*(f"sign * {name} AS {name}" for name in FIGURES)]
    fingerprint = "if(sign > 0, fingerprint, toUInt128(toUInt128(0) - fingerprint)) AS fingerprint"
    return sql(
        "queries/journal/corrections",
        names,
        signed_columns=",\n    ".join(["batch", "sign", *_SAYS, *signed, fingerprint]),
        lines_before=lines(names, "{take_from:UInt64}", numbers, there),
        **now,
    )


def lines(names: Names, take: str, numbers: str, there: There = ALL) -> str:
    """The lines of the inferences that the subquery `numbers` names, by the rows of inserts up to `take`."""
    shared = f"SELECT number FROM {names.journal}.usage_shared_id_v1"  # noqa: S608 - a checked identifier
    rows = rows_in_force(names, take, f"r.number IN ({shared})", there)
    winners = sql("queries/journal/shared_winners", names, shared_rows=rows) if there.shared else ""
    return sql(
        "queries/journal/lines",
        names,
        state=_state(names),
        rows=rows_in_force(names, take, f"r.number IN ({numbers})", there),
        several="s.several" if there.shared else "false",
        of_winners=sql("queries/journal/of_winners", names, shared_winners=winners) if there.shared else "",
    )


def rows_in_force(names: Names, take: str = ALL_TAKEN, which: str = "true", there: There = ALL) -> str:
    """The rows for which the condition `which` holds, as they were taken up to `take`, without those that went."""
    return sql(
        "queries/journal/rows_in_force",
        names,
        take=take,
        which=which,
        without_gone=sql("queries/journal/without_gone", names, take=take) if there.gone else "",
        after_gone="AND r.take > g.before" if there.gone else "",
    )


def _state(names: Names) -> str:
    return sql("queries/journal/state_of", names).strip()


def _listed(columns: tuple[str, ...]) -> str:
    return ",\n    ".join(columns)
