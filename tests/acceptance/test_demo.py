"""`make demo` tells what it should, leaves its folder in the clone, and nothing else anywhere."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

from tests.support.documents import ROOT

PACKAGES = ("audit", "clickhouse", "gateways", "keyledger", "projections", "registry")


def tree(folder: Path) -> set[str]:
    """Everything below a folder but what is in the demo's own."""
    paths = (path.relative_to(folder) for path in folder.rglob("*"))
    return {str(path) for path in paths if path.parts[0] != "keyledger-demo"}


def assert_money_is_told(told: str) -> None:
    """Charges by tier, what late rows and a correction changed, and that the bill of before is the same."""
    by_tier = dict(re.findall(r"^(gold|silver) +qwen3-32b .* - +(0\.\d+ EUR) +0$", told, re.MULTILINE))
    assert by_tier.keys() == {"gold", "silver"}, told
    late, corrected = told.split("A row comes late")[1].split("A correction")
    assert re.search(r"^acme +gold .* 0\.0159 EUR, 0\.363 USD$", late, re.MULTILINE), late
    assert re.findall(r"^globex +(\w+) ", corrected, re.MULTILINE) == ["gold", "silver"], corrected
    assert "every one as before the late row and the correction" in corrected
    assert re.search(r"--known-at \d+ --usage-known-at \d+", corrected)


async def test_the_demo_leaves_its_folder_alone_and_the_next_one_replaces_it(tmp_path: Path) -> None:
    clone, elsewhere = tmp_path / "clone", tmp_path / "elsewhere"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, clone / package, ignore=shutil.ignore_patterns("__pycache__"))
    (clone / "keyledger-demo").mkdir()
    (clone / "keyledger-demo" / "made-by-demo").touch()
    (clone / "keyledger-demo" / "lock").touch()
    (clone / "keyledger-demo" / "of-the-last-demo").touch()
    elsewhere.mkdir()
    before = tree(clone)
    # As the Makefile calls it, with every folder that programs write to by default in one place.
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"), str(elsewhere))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "keyledger.demo", cwd=clone, stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **places, "PYTHONPATH": str(clone), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    assert_money_is_told(out.decode())
    assert f"The registry is in {clone / 'keyledger-demo'}" in out.decode()
    assert tree(clone) == before
    assert tree(elsewhere) == set()
    left = {entry.name for entry in (clone / "keyledger-demo").iterdir()}
    assert {"admin-token", "postgres", "clickhouse", "gateway-rows", "late-rows"} <= left
    assert "of-the-last-demo" not in left
    assert "operator.sock" not in left
