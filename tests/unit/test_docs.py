"""Documents keep their form: lines that are not too long, links that lead somewhere, plain English, in code too."""

from __future__ import annotations

import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.documents import ROOT

WIDTH = 100
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/**/*.md")])
TEXTS = [
    *DOCUMENTS,
    ROOT / "compose.yaml",
    ROOT / ".env.example",
    *sorted(one for one in ROOT.glob("deploy/**/*") if one.is_file()),
]
BANNED = re.compile(
    r"\b(anew|beside|told|whoever|what is none|to begin with|bears? out|bore out|good token|for ever|thereof|in sum)\b"
    r"|\bwhole:",
    re.IGNORECASE,
)
# Where comments, docstrings and messages are plain English. Those of the tests are to follow.
PLAIN_CODE = (
    "audit/**/*",
    "bench/**/*",
    "clickhouse/**/*",
    "gateways/**/*",
    "keyledger/**/*",
    "projections/**/*",
    "registry/**/*",
)
CODE = sorted(one for glob in PLAIN_CODE for one in ROOT.glob(glob) if one.suffix in {".py", ".sql"})
_FENCE = re.compile(r"\s*(```|~~~)")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_LINK_ONLY = re.compile(r"\s*(?:[-*] |\d+\. )?\[[^\]]*\]\([^)\s]+\)[.,;:]?")
_CODE = re.compile(r"`[^`]*`")
_NO_WORDS = re.compile(r"\{[^{}]*\}|--[a-z][a-z-]*")
_SQL_COMMENT = re.compile(r"--\s(.*)")
_OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_NO_SLUG = re.compile(r"[^\w\- ]")


def prose(text: str) -> Iterator[tuple[int, str]]:
    """The lines outside code blocks, each with its number."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            yield number, line


def too_long(text: str) -> list[int]:
    """The numbers of prose lines that are too long: tables and lines that are one link may be longer."""
    lines = ((number, line) for number, line in prose(text) if not line.lstrip().startswith("|"))
    return [number for number, line in lines if len(line) > WIDTH and _LINK_ONLY.fullmatch(line) is None]


def anchors(text: str) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    found: set[str] = set()
    for _, line in prose(text):
        if match := re.fullmatch(r"#{1,6} (.+)", line):
            slug = _NO_SLUG.sub("", match[1].strip().lower()).replace(" ", "-")
            number = 0
            while (name := f"{slug}-{number}" if number else slug) in found:
                number += 1
            found.add(name)
    return found


def broken_links(document: Path) -> list[str]:
    """The relative links that lead to no file, or to no heading of it."""
    text = "\n".join(line for _, line in prose(document.read_text(encoding="utf-8")))
    broken = []
    for target in _LINK.findall(_CODE.sub("`", text)):
        if _OUTSIDE.match(target):
            continue
        path, _, anchor = target.partition("#")
        other = document.parent / path if path else document
        if not other.exists() or (anchor and anchor not in anchors(other.read_text(encoding="utf-8"))):
            broken.append(target)
    return broken


def banned_words(text: str) -> list[str]:
    """The banned words in a text. Names in backquotes, such as `--anew`, are not words."""
    words = " ".join(text.replace("```", "").split())
    return [match[0] for match in BANNED.finditer(_CODE.sub("`", words))]


def python_words(path: Path) -> str:
    """The comments, docstrings and other strings of a Python file."""
    kinds = {"COMMENT", "STRING", "FSTRING_MIDDLE"}
    with path.open("rb") as file:
        texts = [one.string for one in tokenize.tokenize(file.readline) if tokenize.tok_name[one.type] in kinds]
    return " ".join(text.lstrip("#") for text in texts)


def sql_words(path: Path) -> str:
    """The comments of an SQL file."""
    return " ".join(_SQL_COMMENT.findall(path.read_text(encoding="utf-8")))


def banned_in_code(path: Path) -> list[str]:
    """The banned words in a source file. Names in backquotes or braces and command options are not words."""
    return banned_words(_NO_WORDS.sub("", python_words(path) if path.suffix == ".py" else sql_words(path)))


def name(path: Path) -> str:
    """The name of a parameter."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_prose_wraps_at_100_characters(document: Path) -> None:
    assert too_long(document.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_link_leads_somewhere(document: Path) -> None:
    assert broken_links(document) == []


@pytest.mark.parametrize("path", TEXTS, ids=name)
def test_the_texts_are_plain_english(path: Path) -> None:
    assert banned_words(path.read_text(encoding="utf-8")) == []


def test_every_folder_of_code_is_found() -> None:
    assert [glob for glob in PLAIN_CODE if not any(one in CODE for one in ROOT.glob(glob))] == []


@pytest.mark.parametrize("path", CODE, ids=name)
def test_comments_and_messages_are_plain_english(path: Path) -> None:
    assert banned_in_code(path) == []


def test_every_decision_is_in_the_index() -> None:
    records = {one.name for one in ROOT.glob("docs/decisions/[0-9]*.md")}
    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    assert len(records) >= 40
    assert set(_LINK.findall(index)) == records


def test_a_long_line_is_found_in_prose_alone() -> None:
    long = "x" * (WIDTH + 1)
    link = f"- [{long}](a.md)"
    assert too_long(f"{long}\n| {long} |\n```\n{long}\n```\n{link}\n{link} and more\n") == [1, 7]


def test_a_link_to_no_file_and_to_no_heading_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A page, `with` code\n\n## Twice\n\n## Twice\n", encoding="utf-8")
    good = "[a](there.md) [b](there.md#a-page-with-code) [c](there.md#twice-1) [d](https://example.org) `[e](f.md)`"
    bad = "[f](gone.md) [g](there.md#gone) [h](#gone)"
    document = tmp_path / "page.md"
    document.write_text(f"{good}\n{bad}\n", encoding="utf-8")
    assert broken_links(document) == ["gone.md", "there.md#gone", "#gone"]


def test_a_banned_word_is_found_across_lines_and_not_in_names() -> None:
    assert banned_words("Made ANEW, to begin\nwith.") == ["ANEW", "to begin with"]
    assert banned_words("`project gateway --anew`, and besides, untold") == []


def test_a_banned_word_is_found_in_comments_and_strings_and_not_in_names(tmp_path: Path) -> None:
    python, sql = tmp_path / "code.py", tmp_path / "code.sql"
    lines = (
        "def told(beside: int) -> str:",
        '    """Made anew, to begin',
        '    with, as `told`."""',
        "    # Kept for",
        "    # ever.",
        '    return f"whoever {beside} --anew" + "told"  # bears out',
    )
    python.write_text("\n".join(lines), encoding="utf-8")
    sql.write_text("-- Kept beside\nSELECT told  -- to begin\n-- with\n", encoding="utf-8")
    assert banned_in_code(python) == ["anew", "to begin with", "for ever", "whoever", "told", "bears out"]
    assert banned_in_code(sql) == ["beside", "to begin with"]
