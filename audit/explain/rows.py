"""What ClickHouse has of one inference: its rows as they came, and what the bill makes of them at a position."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import localcontext
from uuid import UUID

from audit.errors import UnknownInference
from audit.explain.arithmetic import InferenceFigures, ModelRow, sums
from audit.explain.explanation import InferenceRow
from projections.billing.figures import Charge
from projections.billing.query import BillQuery
from projections.billing.statement import sql as bill_sql
from projections.billing.statement.asked import ask
from projections.billing.statement.attribution import attributed
from projections.billing.statement.groups import read_group
from projections.billing.statement.groups import sums as figures_of
from projections.billing.statement.price_book import read_price_book
from projections.billing.statement.scope import Scope
from projections.engine.client import ClickHouse, Row
from projections.engine.templates import Names, sql
from projections.usage.journal.state import Journal, Pinned

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What is listed of an inference: more rows of one id are a gateway's fault, and counted all the same.
MAX_ROWS = 1000
_TRIES = 3
_OF_INFERENCE = """WHERE r.id IN (
    SELECT id
    FROM {database}.model_row
    WHERE number = toUInt128({{inference_id:UUID}})
)
"""


@dataclass(frozen=True, slots=True)
class Billed:
    """An inference as the bill sees it at a position."""

    bucket: str
    public_id: str
    has_inference: bool
    batch: bool
    credential_id: str
    model_rows: int
    figures: InferenceFigures


@dataclass(frozen=True, slots=True)
class Read:
    """What ClickHouse has of an inference."""

    billed: Billed
    inferences: tuple[InferenceRow, ...]
    models: tuple[ModelRow, ...]
    charges: tuple[Charge, ...]
    unrated: int

    @property
    def listed(self) -> bool:
        """Whether all model rows are in `models`."""
        return self.billed.model_rows <= MAX_ROWS

    @property
    def adds_up(self) -> bool:
        """Whether the model rows give the figures of the bill; not so only while rows arrive."""
        return not self.listed or {one.figure: one.sum for one in sums(self.models)} == asdict(self.billed.figures)


async def read_rows(clickhouse: ClickHouse, names: Names, inference_id: UUID, at_ms: int | None, position: int) -> Read:
    """The rows of an inference at `at_ms` (None: its id has no instant). Raises UnknownInference, ClickHouseError.

    Rows may arrive between the statements: what does not add up is read again.
    """
    since_ms, until_ms = (0, 0) if at_ms is None else (at_ms, at_ms + 1)
    bounds = {"inference_id": inference_id, "since_ms": since_ms, "until_ms": until_ms, "limit": MAX_ROWS}
    scope = Scope(names)
    usage = sql("queries/explain/usage", names, attributed=attributed(scope, []))
    winners = scope.sql("usage/model_winners", which=_OF_INFERENCE.format(database=names.database))
    for tries in range(_TRIES):
        pinned = await Journal(clickhouse, names).pinned()
        found = await clickhouse.query(usage, {**bounds, "position": position, **pinned.parameters})
        if not found:
            raise UnknownInference
        rows = await clickhouse.query(sql("queries/explain/inference", names), bounds)
        models = await clickhouse.query(sql("queries/explain/models", names, winners=winners), bounds)
        read = Read(
            _billed(found[0]),
            tuple(_inference_row(row) for row in rows),
            tuple(_model(row) for row in models),
            *await _charges(clickhouse, names, inference_id, (since_ms, until_ms), position, pinned),
        )
        if read.adds_up or tries + 1 == _TRIES:
            break
    return read


async def _charges(
    clickhouse: ClickHouse, names: Names, inference_id: UUID, period: tuple[int, int], position: int, pinned: Pinned
) -> tuple[tuple[Charge, ...], int]:
    """The charges of the inference by the bill's own statement, and how many rows are unrated."""
    prices = await read_price_book(clickhouse, Scope(names), position, *period)
    asked = ask(BillQuery((), EPOCH, EPOCH), position, period, prices)
    detail = bill_sql.Detail("a.number = toUInt128({inference_id:UUID})")
    sql = bill_sql.bill(Scope(names), len(asked.tags), (), (), asked.book, detail)
    bounds = {"inference_id": inference_id, "now_ms": 0, "limit": 2 * (prices.currencies + 1)}
    rows = await clickhouse.query(sql, {**asked.parameters, **pinned.parameters, **bounds})
    with localcontext(prec=100):
        figures = figures_of([read_group(row, 0) for row in rows], 1)
    return figures["charges"], figures["unrated"]


def _billed(row: Row) -> Billed:
    bucket, public_id, has_inference, batch, credential_id, model_rows, *figures = row
    return Billed(
        bucket, public_id, bool(has_inference), bool(batch), credential_id, model_rows, InferenceFigures(*figures)
    )


def _inference_row(row: Row) -> InferenceRow:
    table, function, credential_id, claimed_tags, rows, wins = row
    return InferenceRow(table, function, credential_id, claimed_tags, rows, bool(wins))


def _model(row: Row) -> ModelRow:
    id_, model, provider, input_tokens, output_tokens, cache_read, cache_write, cached, cost_usd, differ, rows = row
    tokens = (input_tokens, output_tokens, cache_read, cache_write)
    return ModelRow(str(id_), model, provider, *tokens, cached, cost_usd, rows, bool(differ))


async def ledger_tags(
    clickhouse: ClickHouse, names: Names, public_id: str, at_ms: int, position: int
) -> dict[str, str]:
    """The tags of a key at an instant, as known at a position, by the rows that bills read. Raises ClickHouseError."""
    bounds = {"public_id": public_id, "at_ms": at_ms, "position": position}
    rows = await clickhouse.query(Scope(names).sql("explain/tags"), bounds)
    return {str(tag): str(value) for tag, value in rows}
