"""Columns and indexes for finding keys by more than a tag."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_PAGE = 2000
_ADDED = (
    sa.Column("organization", sa.Text),
    sa.Column("workspace", sa.Text),
    sa.Column("created_at", sa.TIMESTAMP(timezone=True)),
    sa.Column("search", sa.Text),
)


def upgrade() -> None:
    """Fill the columns of the keys that are there from their documents."""
    for column in _ADDED:
        op.add_column("key_state", column, schema="keyledger")
    connection = op.get_bind()
    for page in _pages(connection):
        connection.execute(
            sa.text(
                "UPDATE keyledger.key_state SET organization = :organization, workspace = :workspace, "
                "created_at = CAST(CAST(:created_at AS text) AS timestamptz), search = :search WHERE stream = :stream"
            ),
            [_filled(row) for row in page],
        )
    for column in _ADDED:
        op.alter_column("key_state", column.name, nullable=False, schema="keyledger")
    names = sa.text("(jsonb_path_query_array(tags, '$.keyvalue().key')) jsonb_path_ops")
    op.create_index("key_state_tag_names", "key_state", [names], schema="keyledger", postgresql_using="gin")
    place = ["organization", "workspace", "created_position"]
    op.create_index("key_state_workspace", "key_state", place, schema="keyledger")
    op.create_index("key_state_created_at", "key_state", ["created_at"], schema="keyledger")
    for name in ("expiration", "suspended_at", "revoked_at"):
        given = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"key_state_{name}", "key_state", [name], schema="keyledger", postgresql_where=given)


def _pages(connection: sa.Connection) -> Iterator[Sequence[Any]]:
    last = ""
    while True:
        page = connection.execute(
            sa.text(
                "SELECT stream, document FROM keyledger.key_state WHERE stream > :last ORDER BY stream LIMIT :limit"
            ),
            {"last": last, "limit": _PAGE},
        ).all()
        if not page:
            return
        yield page
        last = page[-1].stream


def _filled(row: Any) -> dict[str, object]:
    document = json.loads(row.document)
    ids = [one["credential_id"] for one in document["credentials"]]
    registers = sorted(document["registers"].items())
    values = [register[2] for _, register in registers if register[2] is not None]
    return {
        "stream": row.stream,
        "organization": document.get("organization", "default"),
        "workspace": document.get("workspace", "default"),
        "created_at": document["created_at"],
        "search": "\n".join([*ids, document.get("description") or "", *values]).casefold(),
    }
