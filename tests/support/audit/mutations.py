"""Ways to touch the books behind the registry's back, each with the places of which one must be named, and undone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from registry.log import chain
from registry.log.event_log import COLUMNS, RecordedEvent
from registry.prices.terms import COUNTED
from tests.support.audit.books_world import Tampered
from tests.support.ledger_tables import TABLES

# The first of these that a table has is what a row added by hand is known by.
TEXTS = ("tag", "public_id", "credential_id", "source", "price_id", "hash")
AMOUNTS = (*COUNTED, "per_inference", "cost_multiplier")
Named = set[int | str]
Undo = Callable[[], Awaitable[object]]
_PLACES = ", ".join(f"${number}" for number in range(1, len(COLUMNS) + 1))
_INSERT = f"INSERT INTO keyledger.event ({', '.join(COLUMNS)}) VALUES ({_PLACES})"


@dataclass
class Mutations:
    """Each method makes one change: it answers with what must be named (positions, or a stream), and how to undo it."""

    books: Tampered
    rng: Random
    head: int

    async def flip_a_bit_of_an_event(self) -> tuple[Named, Undo]:
        """Any column, any bit."""
        row = await self._event()
        column = self.rng.choice(COLUMNS)
        position, changed = row["position"], self._flipped(row[column], column)
        await self.books.sql(f"UPDATE keyledger.event SET {column} = $1 WHERE position = $2", changed, position)
        now = changed if column == "position" else position
        return {position}, lambda: self._put_back(now, row)

    async def delete_an_event(self) -> tuple[Named, Undo]:
        """Its rows in ClickHouse stay, as they do when somebody does it."""
        row = await self._event()
        await self.books.sql("DELETE FROM keyledger.event WHERE position = $1", row["position"])
        return {row["position"]}, lambda: self.books.sql(_INSERT, *row.values())

    async def add_an_event(self) -> tuple[Named, Undo]:
        """At the end, before the first, or far away; of a stream's next version."""
        row = dict(await self._event())
        position = self.rng.choice(
            [0, -self.rng.randrange(1, 99), self.head + 1, self.head + self.rng.randrange(2, 99)]
        )
        row |= {"position": position, "version": 10**6, "hash": self.rng.randbytes(32)}
        await self.books.sql(_INSERT, *row.values())
        # What is beyond the end leaves a gap, or does not chain on the head.
        named: Named = {position} if position <= self.head else {position, self.head + 1}
        return named, lambda: self.books.sql("DELETE FROM keyledger.event WHERE position = $1", position)

    async def swap_two_events(self) -> tuple[Named, Undo]:
        """Each has the other's position."""
        one, other = self.rng.sample(range(1, self.head + 1), 2)

        async def swap() -> None:
            for before, after in ((one, -1), (other, one), (-1, other)):
                await self.books.sql("UPDATE keyledger.event SET position = $2 WHERE position = $1", before, after)

        await swap()
        return {one, other}, swap

    async def rehash_an_event(self, position: int | None = None) -> tuple[Named, Undo]:
        """Changed, with digest and hash as the rule makes them: it chains on the one before."""
        row = await self._event(position)
        position = row["position"]
        before = await self.books.books.log.hashes([position - 1])
        changed = dict(row) | {"actor": "token-mallory", "salt": self.rng.randbytes(16)}
        digest = chain.payload_digest(changed["salt"], changed["payload"])
        changed |= {"payload_digest": digest, "hash": b""}
        event = RecordedEvent.from_columns(list(changed.values()))
        changed["hash"] = chain.event_hash(before.get(position - 1, self.books.books.log.genesis_hash), event)
        await self.books.sql("DELETE FROM keyledger.event WHERE position = $1", position)
        await self.books.sql(_INSERT, *changed.values())
        return {position, position + 1}, lambda: self._put_back(position, row)

    async def alter_a_row_of_clickhouse(self) -> tuple[Named, Undo]:
        """One value of one row of one table."""
        table, position, rows, columns = await self._ledger_rows()
        place = self.rng.choice([number for number, name in enumerate(columns) if name != "applied_at"])
        if columns[place] == "kind":
            others = ("set", "ended") if table == "price_change_v1" else ("expiration", "created")
            changed: Any = others[rows[0][place] == others[0]]
        else:
            changed = self._flipped(rows[0][place], columns[place])
        altered = (*rows[0][:place], changed, *rows[0][place + 1 :])
        await self._replace(table, {position}, [altered, *rows[1:]], columns)
        return {position, altered[columns.index("position")]}, lambda: self._replace(
            table, {position, altered[columns.index("position")]}, rows, columns
        )

    async def delete_a_row_of_clickhouse(self) -> tuple[Named, Undo]:
        """One row of one table."""
        table, position, rows, columns = await self._ledger_rows()
        await self._replace(table, {position}, rows[1:], columns)
        return {position}, lambda: self._replace(table, {position}, rows, columns)

    async def add_a_row_to_clickhouse(self) -> tuple[Named, Undo]:
        """At a position that there is, before the first, or beyond the head."""
        table, position, rows, columns = await self._ledger_rows()
        at = self.rng.choice([position, 0, self.head + 1, 2**63 + 5])
        added = list(rows[0])
        added[columns.index("position")] = at
        text = next(n for n, name in enumerate(columns) if name in TEXTS)
        added[text] = "Zmallory0000"
        await self.books.books.clickhouse.insert(f"{self.books.books.names.database}.{table}", [tuple(added)], columns)
        kept = rows if at == position else []
        return {at}, lambda: self._replace(table, {at}, kept, columns)

    async def alter_a_state_row(self) -> tuple[Named, Undo]:
        """One column of a key's or a token's current state. When a token was last used is in no event."""
        table = self.rng.choice(["key_state", "key_state", "admin_token", "price_state"])
        row = await self._state_row(table)
        column = self.rng.choice([name for name in row if name not in {"secret_hash", "stream", "last_used_at"}])
        value = row[column]
        changed = '{"customer_id": "mallory"}' if column == "tags" else self._flipped(value, column)
        update = f"UPDATE keyledger.{table} SET {column} = $1 WHERE stream = $2"
        await self.books.sql(update, changed, row["stream"])
        return {row["stream"]}, lambda: self.books.sql(update, value, row["stream"])

    async def delete_a_state_row(self) -> tuple[Named, Undo]:
        """A key that no list shows any more."""
        table = self.rng.choice(["key_state", "admin_token", "price_state"])
        row = await self._state_row(table)
        await self.books.sql(f"DELETE FROM keyledger.{table} WHERE stream = $1", row["stream"])
        return {row["stream"]}, lambda: self._insert(table, row)

    async def move_a_state_row(self) -> tuple[Named, Undo]:
        """To a stream that the log does not know."""
        table = self.rng.choice(["key_state", "admin_token", "price_state"])
        row = await self._state_row(table)
        other = row["stream"][:-1] + "~"
        update = f"UPDATE keyledger.{table} SET stream = $1 WHERE stream = $2"
        await self.books.sql(update, other, row["stream"])
        return {row["stream"]}, lambda: self.books.sql(update, row["stream"], other)

    async def swap_the_hash_of_a_secret(self) -> tuple[Named, Undo]:
        """So that a secret that somebody else holds opens the door."""
        table, id_ = self.rng.choice([("credential", "credential_id"), ("admin_token", "token_id")])
        row = await self._state_row(table)
        update = f"UPDATE keyledger.{table} SET secret_hash = $1 WHERE {id_} = $2"
        await self.books.sql(update, self._flipped(row["secret_hash"]), row[id_])
        stream = f"key-{row['public_id']}" if table == "credential" else f"token-{row[id_]}"
        return {stream}, lambda: self.books.sql(update, row["secret_hash"], row[id_])

    async def add_a_credential(self) -> tuple[Named, Undo]:
        """A second way in to a customer's key, or to a key that there is not."""
        row, stranger = dict(await self._state_row("credential")), f"Zmal{self.rng.randrange(10**8):08d}"
        row["credential_id"] = stranger
        if self.rng.random() < 0.5:
            row["public_id"] = stranger
        await self._insert("credential", row)
        delete = "DELETE FROM keyledger.credential WHERE credential_id = $1"
        return {f"key-{row['public_id']}"}, lambda: self.books.sql(delete, stranger)

    async def delete_a_credential(self) -> tuple[Named, Undo]:
        """Or give it to another key."""
        row = await self._state_row("credential")
        if self.rng.random() < 0.5:
            update = "UPDATE keyledger.credential SET public_id = $1 WHERE credential_id = $2"
            await self.books.sql(update, "Zmallory0000", row["credential_id"])
            return {f"key-{row['public_id']}"}, lambda: self.books.sql(update, row["public_id"], row["credential_id"])
        await self.books.sql("DELETE FROM keyledger.credential WHERE credential_id = $1", row["credential_id"])
        return {f"key-{row['public_id']}"}, lambda: self._insert("credential", row)

    async def _event(self, position: int | None = None) -> Any:
        position = position or self.rng.randrange(1, self.head + 1)
        (row,) = await self.books.sql(f"SELECT {', '.join(COLUMNS)} FROM keyledger.event WHERE position = $1", position)
        return row

    async def _put_back(self, position: int, row: Any) -> None:
        await self.books.sql("DELETE FROM keyledger.event WHERE position = $1", position)
        await self.books.sql(_INSERT, *row.values())

    async def _state_row(self, table: str) -> Any:
        rows = await self.books.sql(f"SELECT * FROM keyledger.{table} ORDER BY 1")
        return dict(self.rng.choice(rows))

    async def _insert(self, table: str, row: Any) -> None:
        places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        await self.books.sql(f"INSERT INTO keyledger.{table} ({', '.join(row)}) VALUES ({places})", *row.values())

    async def _ledger_rows(self) -> tuple[str, int, list[tuple[Any, ...]], list[str]]:
        """A table, a position with rows in it, those rows in some order, and the names of its columns."""
        books, table = self.books.books, self.rng.choice(TABLES)
        names = (
            "SELECT name FROM system.columns WHERE database = {db:String} AND table = {table:String} ORDER BY position"
        )
        found = await books.clickhouse.query(names, {"db": books.names.database, "table": table})
        columns = [name for (name,) in found]
        rows = await books.clickhouse.query(f"SELECT DISTINCT {', '.join(columns)} FROM {books.names.database}.{table}")
        at = columns.index("position")
        position = self.rng.choice(sorted({row[at] for row in rows}))
        some = sorted((row for row in rows if row[at] == position), key=repr)
        self.rng.shuffle(some)
        return table, position, some, columns

    async def _replace(self, table: str, positions: set[int], rows: list[tuple[Any, ...]], columns: list[str]) -> None:
        listed = ", ".join(f"toUInt64({position})" for position in sorted(positions))
        await self.books.clickhouse(f"ALTER TABLE {{db}}.{table} DELETE WHERE position IN ({listed})")
        await self.books.books.clickhouse.insert(f"{self.books.books.names.database}.{table}", rows, columns)

    def _flipped(self, value: Any, column: str = "") -> Any:  # noqa: C901, PLR0911 - one case per type
        """The value with one bit another way, as far as its type has room for that; something for nothing."""
        match value:
            case None if column.endswith(("_at", "expiration")):
                return datetime(2026, 3, 1, tzinfo=UTC)
            case None if column in AMOUNTS:
                return Decimal(5)
            case None:
                return 5 if column.endswith("_ms") else "x"
            case int():
                return value ^ (1 << self.rng.randrange(9, 14))  # no number of a row that there is
            case bytes():
                place = self.rng.randrange(len(value)) if value else 0
                return value[:place] + bytes([value[place] ^ (1 << self.rng.randrange(8))]) + value[place + 1 :]
            case dict():
                return {**value, "mallory": "x"}
            case UUID():
                return UUID(int=value.int ^ (1 << self.rng.randrange(60)))
            case Decimal():
                return value + self.rng.randrange(1, 9)
            case datetime():
                return value + timedelta(microseconds=1 << self.rng.randrange(30))
            case str():
                place = self.rng.randrange(len(value))
                return value[:place] + chr(ord(value[place]) ^ (1 << self.rng.randrange(3))) + value[place + 1 :]
        raise TypeError(type(value))
