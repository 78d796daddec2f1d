"""The SQL of entries: put together from the templates in `clickhouse/queries/journal/`."""

from __future__ import annotations

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


def corrections(names: Names) -> str:
    """The INSERT of the entries of the inferences in usage_recount_v1: reversals, and what is true now."""
    numbers = f"SELECT number FROM {names.journal}.usage_recount_v1 WHERE batch = {{batch:UInt64}}"  # noqa: S608 - a checked identifier
    signed = [*(f"sign * {name} AS {name}" for name in FIGURES)]
    fingerprint = "if(sign > 0, fingerprint, toUInt128(toUInt128(0) - fingerprint)) AS fingerprint"
    return sql(
        "queries/journal/corrections",
        names,
        columns=_listed(_COLUMNS),
        signed_columns=",\n    ".join(["batch", "sign", *_SAYS, *signed, fingerprint]),
        line_columns=_listed(LINE_COLUMNS),
        lines_now=lines(names, "{take_to:UInt64}", numbers),
        lines_before=lines(names, "{take_from:UInt64}", numbers),
    )


def lines(names: Names, take: str, numbers: str) -> str:
    """The lines of the inferences that the subquery `numbers` names, by the rows of inserts up to `take`."""
    shared = f"SELECT number FROM {names.journal}.usage_shared_id_v1"  # noqa: S608 - a checked identifier
    return sql(
        "queries/journal/lines",
        names,
        state=_state(names),
        rows=rows_in_force(names, take, f"r.number IN ({numbers})"),
        shared_winners=sql(
            "queries/journal/shared_winners",
            names,
            shared_rows=rows_in_force(names, take, f"r.number IN ({shared})"),
        ),
    )


def rows_in_force(names: Names, take: str = ALL_TAKEN, which: str = "true") -> str:
    """The rows for which the condition `which` holds, as they were taken up to `take`, without those that went."""
    return sql("queries/journal/rows_in_force", names, take=take, which=which)


def _state(names: Names) -> str:
    return sql("queries/journal/state_of", names).strip()


def _listed(columns: tuple[str, ...]) -> str:
    return ",\n    ".join(columns)
