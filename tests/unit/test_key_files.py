"""Files of keys as they are read, and what an import knows of itself after any end."""

from __future__ import annotations

import json
import resource
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keyledger.cli.keys.files.journal import KEPT, BadJournal, Done, Journal
from keyledger.cli.keys.files.rows import BadFile, Row, read_rows

URL = "http://127.0.0.1:8080"
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
        ("keys.ndjson", '{"tags":{"a":"\\ud800"}}\n', "line 1: has a text that is not well-formed"),
        ("keys.ndjson", '{"public_id":"..","tags":{}}\n', "line 1: public_id must be the id of a key"),
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
    out = file(tmp_path, "", "out")
    out.chmod(0o644)
    with Journal(out) as journal:
        assert journal.left(ROWS) == ROWS
        journal.send("k", URL, "t", ROWS[:2])
        journal.done([Done(row, {"public_id": f"id{row.line}", "api_key": "s"}) for row in ROWS[:2]])
    assert stat.S_IMODE(out.stat().st_mode) == 0o600, "also of one that others could read"
    with Journal(out) as journal:
        assert (journal.left(ROWS), journal.sent(ROWS, URL, "t", NOW)) == (ROWS[2:], None)
        with pytest.raises(BadJournal, match="line 2 is done already"):
            journal.left([ROWS[0], Row(2, {"tags": {}})])


def test_after_a_crash_what_was_sent_is_repeated_and_a_torn_result_is_none(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Journal(out) as journal:
        journal.send("k", URL, "t", ROWS)
        journal.done([Done(ROWS[0], {"public_id": "id1"})])
        journal.send("k", URL, "t", ROWS)
    with out.open("a") as opened:
        opened.write('{"line": 2, "dig')
    with Journal(out) as journal:
        found = journal.sent(ROWS, URL, "t", datetime.now(UTC))
        assert found is not None
        assert (found[0].idempotency_key, found[1]) == ("k", ROWS)
        journal.done([Done(row, {"public_id": f"id{row.line}"}) for row in ROWS])
        assert journal.left(ROWS) == []
    assert [json.loads(line)["line"] for line in out.read_text().splitlines()] == [1, 2, 3]


@pytest.mark.parametrize(
    ("rows", "url", "token", "later", "words"),
    [
        ([ROWS[0], Row(2, {})], URL, "t", timedelta(0), "were changed since"),
        ([ROWS[0]], URL, "t", timedelta(0), "were changed since"),
        (ROWS, "http://other", "t", timedelta(0), f"were sent to {URL}: use that address"),
        (ROWS, URL, "u", timedelta(0), "were sent with the token t: use that one"),
        (ROWS, URL, "t", KEPT + timedelta(minutes=1), "too long ago to be repeated"),
    ],
)
def test_what_can_not_be_repeated_is_said(
    tmp_path: Path, rows: list[Row], url: str, token: str, later: timedelta, words: str
) -> None:
    with Journal(tmp_path / "out") as journal:
        journal.send("k", URL, "t", ROWS[:2])
        with pytest.raises(BadJournal, match=words):
            journal.sent(rows, url, token, datetime.now(UTC) + later)


def test_what_is_done_is_not_in_doubt_and_a_file_of_what_was_sent_that_is_none_is_said(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Journal(out) as journal:
        journal.send("k", URL, "t", ROWS[:1])
        kept = (tmp_path / "out.sending").read_bytes()
        journal.done([Done(ROWS[0], {"public_id": "id1"})])
    (tmp_path / "out.sending").write_bytes(kept)
    with Journal(out) as journal:
        assert journal.sent(ROWS, URL, "t", NOW + KEPT * 99) is None, "a kill between the results and its removal"
        (tmp_path / "out.sending").write_bytes(b"{")
        with pytest.raises(BadJournal, match="can't be read: see which keys were made"):
            journal.sent(ROWS, URL, "t", NOW)


def test_results_that_do_not_fit_on_the_disk_are_said_and_can_be_written_again(tmp_path: Path) -> None:
    out, results = tmp_path / "out", [Done(row, {"public_id": "x" * 200}) for row in ROWS]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal(out) as journal:
        journal.send("k", URL, "t", ROWS)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))
        try:
            with pytest.raises(BadJournal, match="File too large"):
                journal.done(results)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with Journal(out) as journal:
        found = journal.sent(ROWS, URL, "t", datetime.now(UTC))
        assert found is not None
        assert journal.left(ROWS) == ROWS[1:]
        journal.done(results)
    assert [json.loads(line)["line"] for line in out.read_text().splitlines()] == [1, 2, 3]


def test_two_imports_into_one_file_are_refused_and_another_file_is_left_alone(tmp_path: Path) -> None:
    with Journal(tmp_path / "out"), pytest.raises(BadJournal, match="another import writes"):
        Journal(tmp_path / "out").__enter__()
    for text, words in (("a text\nof mine\n", "line 1: not a result"), ("a text\nof mine", "is not a file of results")):
        other = file(tmp_path, text, "mine")
        with pytest.raises(BadJournal, match=words):
            Journal(other).__enter__()
        assert other.read_text() == text
    with pytest.raises(BadJournal, match="can't be written: Is a directory"):
        Journal(tmp_path).__enter__()
