"""Files of keys as they are read, and what an import knows of itself after any end."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keyledger.cli.key_files.journal import KEPT, BadJournal, Done, Journal
from keyledger.cli.key_files.rows import BadFile, Row, read_rows

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ROWS = [Row(line, {"tags": {"n": str(line)}}) for line in (1, 2, 3)]


def file(folder: Path, text: str, name: str = "keys.csv") -> Path:
    """A file of this text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_csv_has_fields_and_tags_by_name(tmp_path: Path) -> None:
    text = '\ufefftags.customer_id,description,tags.Größe\nacme,"two\nlines",groß\n\nglobex,,\n'
    assert read_rows(file(tmp_path, text)) == [
        Row(3, {"tags": {"customer_id": "acme", "Größe": "groß"}, "description": "two\nlines"}),
        Row(5, {"tags": {"customer_id": "globex"}}),
    ]


def test_an_ndjson_has_bodies(tmp_path: Path) -> None:
    bodies: list[dict[str, Any]] = [
        {"public_id": "a", "tags": {"x": None}, "effective_at": "2026-03-01T00:00:00Z", "reason": "r"},
        {"public_id": "b", "description": None},
    ]
    text = "\n".join(map(json.dumps, bodies)) + "\n\n"
    assert [row.asks for row in read_rows(file(tmp_path, text, "keys.ndjson"))] == bodies


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("keys.txt", "", "must be a .csv"),
        ("keys.csv", "", "has no rows"),
        ("keys.csv", "customer_id\nacme\n", "line 1: the header names 'customer_id': tags are tags.<name>"),
        ("keys.csv", "tags.a,tags.a\n1,2\n", "line 1: the header names 'tags.a' twice"),
        ("keys.csv", "tags.a\n1\n1,2\n", "line 3: has 2 cells, the header 1"),
        ("keys.csv", 'tags.a\n"1\n', "line 2: unexpected end of data"),
        ("keys.csv", "public_id,tags.a\nx,1\n,2\n", "line 3: a file makes keys or edits them"),
        ("keys.csv", "public_id,organization\nx,o\n", "line 2: 'organization' is none of public_id, tags"),
        ("keys.ndjson", "[]\n", "line 1: must be a JSON object"),
        ("keys.ndjson", '{"tags":{}}\n{"tagz":{}}\n', "line 2: 'tagz' is none of tags, description"),
        ("keys.ndjson", '{"tags":{"a":"1","a":"2"}}\n', "line 1: is not JSON: it has a name twice"),
        ("keys.ndjson", '{"tags":[]}\n', "line 1: tags must be an object"),
        ("keys.ndjson", "{\n", "line 1: is not JSON"),
        ("keys.ndjson", "[" * 100_000, "line 1: is not JSON"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(BadFile) as refused:
        read_rows(file(tmp_path, text, name))
    assert words in str(refused.value)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.csv"
    path.write_bytes("tags.a\nGröße\n".encode("latin-1"))
    with pytest.raises(BadFile, match="is not UTF-8, at byte 9"):
        read_rows(path)


def test_what_is_done_is_not_left(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Journal(out) as journal:
        assert journal.left(ROWS) == ROWS
        journal.send("k", "t", ROWS[:2])
        journal.done([Done(row, {"public_id": f"id{row.line}", "api_key": "s"}) for row in ROWS[:2]])
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with Journal(out) as journal:
        assert (journal.left(ROWS), journal.sent(ROWS, "t", NOW)) == (ROWS[2:], None)
        with pytest.raises(BadJournal, match="line 2 is done already"):
            journal.left([ROWS[0], Row(2, {"tags": {}})])


def test_after_a_crash_what_was_sent_is_repeated_and_a_torn_result_is_none(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Journal(out) as journal:
        journal.send("k", "t", ROWS)
        journal.done([Done(ROWS[0], {"public_id": "id1"})])
        journal.send("k", "t", ROWS)
    with out.open("a") as opened:
        opened.write('{"line": 2, "dig')
    with Journal(out) as journal:
        found = journal.sent(ROWS, "t", datetime.now(UTC))
        assert found is not None
        assert (found[0].idempotency_key, found[1]) == ("k", ROWS)
        journal.done([Done(row, {"public_id": f"id{row.line}"}) for row in ROWS])
        assert journal.left(ROWS) == []
    assert [json.loads(line)["line"] for line in out.read_text().splitlines()] == [1, 2, 3]


@pytest.mark.parametrize(
    ("rows", "token", "later", "words"),
    [
        ([ROWS[0], Row(2, {})], "t", timedelta(0), "were changed since"),
        ([ROWS[0]], "t", timedelta(0), "were changed since"),
        (ROWS, "u", timedelta(0), "were sent with the token t: use that one"),
        (ROWS, "t", KEPT + timedelta(minutes=1), "too long ago to be repeated"),
    ],
)
def test_what_can_not_be_repeated_is_said(
    tmp_path: Path, rows: list[Row], token: str, later: timedelta, words: str
) -> None:
    with Journal(tmp_path / "out") as journal:
        journal.send("k", "t", ROWS[:2])
        with pytest.raises(BadJournal, match=words):
            journal.sent(rows, token, datetime.now(UTC) + later)


def test_two_imports_into_one_file_are_refused_and_another_file_is_left_alone(tmp_path: Path) -> None:
    with Journal(tmp_path / "out"), pytest.raises(BadJournal, match="another import writes"):
        Journal(tmp_path / "out").__enter__()
    other = file(tmp_path, "a text\nof mine\n", "mine")
    with pytest.raises(BadJournal, match="line 1: not a result"):
        Journal(other).__enter__()
    assert other.read_text() == "a text\nof mine\n"
    with pytest.raises(BadJournal, match="can't be written: Is a directory"):
        Journal(tmp_path).__enter__()
