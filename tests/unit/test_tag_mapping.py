"""Mapping files: what is taken, what is told of by its line, what is refused whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateways.tensorzero.importing import mapping as module
from gateways.tensorzero.importing.mapping import MappingRefused, TagMapping, read_mapping
from gateways.tensorzero.importing.mapping_csv import read_csv
from gateways.tensorzero.importing.mapping_json import read_json

A, B, C = "AAAAAAAAAAA1", "BBBBBBBBBBB2", "CCCCCCCCCCC3"


def csv(text: str) -> TagMapping:
    """A CSV read."""
    mapping = TagMapping()
    read_csv(text, mapping)
    return mapping


def js(text: str) -> TagMapping:
    """A JSON read."""
    mapping = TagMapping()
    read_json(text, mapping)
    return mapping


def wrong(mapping: TagMapping) -> list[tuple[int, str, str | None]]:
    """Of each fault: its line, field and key."""
    return [(fault.line, fault.field, fault.public_id) for fault in mapping.faults]


def tags(mapping: TagMapping) -> dict[str, object]:
    """The tags by key."""
    return {public_id: entry.tags for public_id, entry in mapping.entries.items()}


def test_a_cell_is_a_tag_and_an_empty_one_is_none() -> None:
    mapping = csv(f'public_id,customer_id,équipe\n{A},acme,bleu\n{B},,""\n\n{C},"Smith, ""Co""",\n')
    assert tags(mapping) == {
        A: {"customer_id": "acme", "équipe": "bleu"},
        B: {},
        C: {"customer_id": 'Smith, "Co"'},
    }
    assert (mapping.faults, mapping.entries[C].line) == ([], 5)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_by_whatever_ends_them_within_quotes_too(end: str) -> None:
    text = end.join(["public_id,customer_id", f'{A},"two', 'lines"', f"{B},\x07", f"{C},globex"])
    mapping = csv(text)
    assert wrong(mapping) == [(2, "customer_id", A), (4, "customer_id", B)]
    assert tags(mapping) == {A: None, B: None, C: {"customer_id": "globex"}}


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (f"{A}", "row"),
        (f"{A},acme,more", "row"),
        ("short,acme", "public_id"),
        (f"{A} ,acme", "public_id"),
        ("ÄÄÄÄÄÄÄÄÄÄÄÄ,acme", "public_id"),
        (f"{A}, acme", "customer_id"),
        (f"{A},a\u200bb", "customer_id"),
        (f"{A},a\u200db", "customer_id"),
        (f"{A},e\u0301", "customer_id"),
        (f"{A},{'x' * 257}", "customer_id"),
    ],
)
def test_a_bad_row_is_told_by_its_line_and_field_and_the_next_is_read(row: str, field: str) -> None:
    mapping = csv(f"public_id,customer_id\n{B},globex\n{row}\n{C},initech\n")
    assert [(fault.line, fault.field) for fault in mapping.faults] == [(3, field)]
    assert tags(mapping)[B] == {"customer_id": "globex"}
    assert tags(mapping)[C] == {"customer_id": "initech"}
    assert tags(mapping).get(A) is None
    assert "acme" not in mapping.faults[0].detail


def test_a_joiner_within_a_word_is_part_of_its_cell() -> None:
    assert wrong(csv(f"public_id,customer_id\n{A},می\u200cروم\n")) == []


@pytest.mark.parametrize(
    "row", [f'{B},"globex', f'{B},"globex"x', f'{B},"{"x" * 200_000}\n{C},evil\n"'], ids=["open", "behind", "too long"]
)
def test_after_what_is_not_csv_nothing_of_the_file_is_believed(row: str) -> None:
    """The next line may be the inside of a cell."""
    with pytest.raises(MappingRefused, match="is not CSV from line 3 on"):
        csv(f"public_id,customer_id\n{A},acme\n{row}\n{C},initech\n")


@pytest.mark.parametrize("row", [f"{B} ,globex", "short,globex"])
def test_a_row_that_does_not_tell_whose_it_is_is_remembered(row: str) -> None:
    assert csv(f"public_id,customer_id\n{A},acme\n{row}\n").has_lost_rows
    assert js(f'{{"{B} ": {{"customer_id": "globex"}}}}').has_lost_rows
    assert not csv(f"public_id,customer_id\n{A},acme\n{B},\x07\n").has_lost_rows


def test_a_key_given_twice_is_told_with_both_lines_and_has_no_tags() -> None:
    mapping = csv(f"public_id,customer_id\n{A},acme\n{B},beta\n{A},globex\n{A},acme\n")
    assert wrong(mapping) == [(4, "public_id", A), (5, "public_id", A)]
    assert {fault.detail for fault in mapping.faults} == {"is in line 2 already"}
    assert tags(mapping) == {A: None, B: {"customer_id": "beta"}}
    mapping = js(f'{{"{A}": {{"customer_id": "acme"}},\n\n"{A}": {{}}}}')
    assert [(fault.line, fault.field, fault.detail) for fault in mapping.faults] == [
        (3, "public_id", "is in line 1 already")
    ]
    assert tags(mapping) == {A: None}


def test_a_bad_row_takes_the_tags_away_that_an_earlier_one_gave() -> None:
    assert tags(csv(f"public_id,customer_id\n{A},acme\n{A},acme,more\n")) == {A: None}


def test_a_key_has_at_most_64_tags() -> None:
    names = [f"tag-{number}" for number in range(65)]
    header, cells = ",".join(["public_id", *names]), ["x"] * 64
    mapping = csv("\n".join([header, ",".join([A, *cells, ""]), ",".join([B, *cells, "y"])]))
    assert wrong(mapping) == [(3, "tags", B)]
    assert len(mapping.entries[A].tags or {}) == 64
    assert wrong(js(json.dumps({A: dict.fromkeys(names, "x")}))) == [(1, "tags", A)]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "customer_id,public_id",
        "Public_id,customer_id",
        "public_id,customer_id,customer_id",
        "public_id,customer:id",
        "public_id,keyledger.x",
        "public_id,model",
        "public_id,",
        "public_id, customer_id",
        'public_id,"a\nb"',
        "public_id," + ",".join(f"t{number}" for number in range(1025)),
    ],
)
def test_a_bad_header_refuses_the_file(header: str) -> None:
    with pytest.raises(MappingRefused):
        csv(f"{header}\n{A},acme\n")


def test_json_has_an_object_for_each_key() -> None:
    mapping = js(f'\n{{\n "{A}": {{"customer_id": "acme", "\\u00e9quipe": "bleu"}},\n "{B}": {{}}\n}}\n')
    assert tags(mapping) == {A: {"customer_id": "acme", "équipe": "bleu"}, B: {}}
    assert [entry.line for entry in mapping.entries.values()] == [3, 4]
    assert tags(js("{}")) == {}


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("[]", "tags"),
        ("null", "tags"),
        ('"acme"', "tags"),
        ('{"customer_id": null}', "customer_id"),
        ('{"customer_id": 7}', "customer_id"),
        ('{"customer_id": {"a": "b"}}', "customer_id"),
        ('{"customer_id": ""}', "customer_id"),
        ('{"customer_id": "\\ud800"}', "customer_id"),
        ('{"customer_id": "a", "customer_id": "b"}', "customer_id"),
        ('{"model": "gpt"}', "model"),
        ('{"": "x"}', ""),
    ],
)
def test_a_bad_member_is_told_by_its_line_and_the_next_is_read(value: str, field: str) -> None:
    mapping = js(f'{{\n"{B}": {{"customer_id": "beta"}},\n"{A}":\n{value},\n"{C}": {{}}}}')
    assert wrong(mapping) == [(3, field, A)]
    assert tags(mapping) == {B: {"customer_id": "beta"}, A: None, C: {}}


def test_a_name_that_is_no_id_is_not_repeated() -> None:
    mapping = js('{"' + "x" * 100_000 + '": {}, "sk-t0-secret": []}')
    assert wrong(mapping) == [(1, "public_id", None), (1, "tags", None)]
    assert mapping.entries == {}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"a"}', '{"a": {}', '{"a": {},}', '{"a": {}} x', "{'a': {}}", '{"a": {}}{}', '{"a": nope}',
     '{"a": ' + "[" * 100_000, '{"a": ' + "9" * 10_000 + "}", '{"a\n": {}}'],
)  # fmt: skip
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(MappingRefused, match="line"):
        js(text)


def test_the_line_of_broken_json_is_named() -> None:
    with pytest.raises(MappingRefused, match="see line 3"):
        js(f'{{\n"{A}": {{}},\n"{B}" {{}}\n}}')


def test_with_too_many_faults_it_is_another_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FAULTS", 3)
    assert len(csv("public_id,a\n" + "x,y\n" * 3).faults) == 3
    with pytest.raises(MappingRefused, match="more than 3 faults"):
        csv("public_id,a\n" + "x,y\n" * 4)


READERS = {".csv": read_csv, ".json": read_json}


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path, mark: bytes) -> None:
    (tmp_path / "a.CSV").write_bytes(mark + f"public_id,équipe\r\n{A},bleu\r\n".encode())
    assert tags(read_mapping(tmp_path / "a.CSV", READERS)) == {A: {"équipe": "bleu"}}
    (tmp_path / "a.json").write_bytes(mark + b"{}")
    assert read_mapping(tmp_path / "a.json", READERS).entries == {}


def test_a_file_that_can_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "latin.csv").write_bytes(f"public_id,a\n{A},b\n{B},".encode() + b"\xe9\n")
    (tmp_path / "large.csv").write_text("public_id,a\n" * 10)
    monkeypatch.setattr(module, "MAX_BYTES", 100)
    for name, words in (
        ("latin.csv", "not UTF-8 in line 3"),
        ("large.csv", "is larger than"),
        ("none.csv", "is not a file"),
        (".", "must be a file whose name ends in .csv or .json"),
        ("mapping.txt", "must be a file whose name ends in .csv or .json"),
    ):
        with pytest.raises(MappingRefused, match=words):
            read_mapping(tmp_path / name, READERS)
