"""A test stands alone: what several share is in `tests/support`, and no test or conftest is imported.

Those that share a costly server run on one worker.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def imported(file: Path) -> set[str]:
    """The modules of `tests` that a file imports, wherever in it that is."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: name the module in full"
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return {name for name in found if name.split(".")[0] == "tests"}


def test_only_support_is_imported() -> None:
    files = [file for folder in ("tests", "bench") for file in (ROOT / folder).rglob("*.py")]
    wrong = {
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files
        for name in imported(file)
        if not name.startswith("tests.support")
    }
    assert len(files) > 100
    assert wrong == set()


@pytest.mark.xdist_group("apart")
def test_a_group_stays_on_one_worker(request: pytest.FixtureRequest) -> None:
    """pytest-xdist reads the group from the id; where that fails, each worker would start a broker without a word."""
    if not hasattr(request.config, "workerinput"):
        pytest.skip("there is one process: run it with -n 2 --dist loadgroup, as make test does")
    assert request.node.nodeid.endswith("@apart")
