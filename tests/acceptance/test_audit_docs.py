"""The auditor's page does what it says: a disputed line, from the bill to the event."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.documents import blocks, environment, in_the_background, run
from tests.support.processes.forked_shell import forked_program


@pytest.mark.long  # what it runs has tests of its own: test_audit.py, test_audit_reads.py
async def test_a_disputed_line_is_explained_as_the_page_says(tmp_path: Path) -> None:
    demo, walk, rebuild = blocks("docs/audit.md", "tests/acceptance/test_audit_docs.py")
    environ = environment(tmp_path)
    async with in_the_background(demo, b"It runs at", tmp_path, environ):
        with forked_program(tmp_path / "bin" / "keyledger"):
            walked = await run(walk, tmp_path, environ)
            restored = await run("export KEYLEDGER_DATA=./disputed\n" + rebuild, tmp_path, environ)
    explained, verified = walked.split("ticket 4711")[0], walked.rsplit("\n", 2)[-2]
    assert "umbrella" in explained
    assert walked.count("ticket 4711: wrong customer") >= 2  # by explain and by history
    assert "globex" in walked
    assert "there is a difference, as it must be" in walked
    # How many anchors the log has of the demo's usage depends on how fast its rows were collected.
    whole = r"everything is as the log says, up to position \d+"
    assert re.fullmatch(whole + ", 5 rows of the gateway's table of keys among it", verified), verified
    assert re.search(whole + "$", restored.rstrip())
    assert (tmp_path / "books" / "manifest.json").exists()
