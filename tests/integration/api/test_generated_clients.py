"""Clients that generators make of the document: a program with each keeps its types, and that in Python works.

They are made as CI and users make them, by the generators of both languages: what one can't read, nobody gets.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from keyledger.http.app import public_document
from keyledger.runtime.serving.server import bind_tcp, serving
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from tests.support.api.service import open_api
from tests.support.generated_clients.tools import HERE, python_generator, typescript_tools
from tests.support.servers.broker import missing_service
from tests.support.servers.databases import Database
from tests.support.servers.environments import ROOT, CannotInstall

pytestmark = pytest.mark.xdist_group("generated-clients")
PACKAGE, PROGRAM = "keyledger_client", "use_client.py"


@pytest.fixture(scope="session")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document, as a file."""
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_text(json.dumps(public_document()), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def python_client(document: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the generated package and the program."""
    try:
        generator = python_generator() / "openapi-python-client"
    except CannotInstall as error:
        missing_service(str(error))
    folder = tmp_path_factory.mktemp("python")
    command = (generator, "generate", "--path", document, "--config", HERE / "python.yml", "--fail-on-warning")
    assert succeeds(folder, *command, "--meta", "none", "--output-path", folder / PACKAGE) == ""
    shutil.copy(HERE / PROGRAM, folder)
    return folder


def succeeds(folder: Path, *command: str | Path) -> str:
    """What a command that must succeed says of faults; nothing where it does."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


async def test_a_generated_python_client_creates_lists_changes_and_bills(
    database: Database, clickhouse: ClickHouse, names: Names, python_client: Path
) -> None:
    bound = bind_tcp("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    async with open_api(database, clickhouse, names) as api, serving([(api.app, bound)]):
        command = (sys.executable, python_client / PROGRAM, url, api.tokens["admin"])
        assert await asyncio.to_thread(succeeds, python_client, *command) == ""


def test_a_program_with_the_python_client_keeps_its_types(python_client: Path) -> None:
    # As strictly as our own code, and with the cache of `make lint`: the libraries' types would take most of the time.
    options = ("--config-file", ROOT / "pyproject.toml", "--cache-dir", ROOT / ".mypy_cache")
    assert succeeds(python_client, sys.executable, "-m", "mypy", *options, PROGRAM) == ""


def test_a_program_with_the_typescript_client_keeps_its_types(document: Path, tmp_path: Path) -> None:
    try:
        tools = typescript_tools()
    except CannotInstall as error:
        # In CI, too: a fresh machine has Python, make and a package index, and need not have node and npm's registry.
        pytest.skip(str(error))
    for name in ("use_client.ts", "tsconfig.json"):
        shutil.copy(HERE / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(tools)
    generator = ("node", tools / "openapi-typescript" / "bin" / "cli.js")
    assert succeeds(tmp_path, *generator, document, "--output", tmp_path / "keyledger.d.ts") == ""
    assert succeeds(tmp_path, "node", tools / "typescript" / "bin" / "tsc", "--project", tmp_path) == ""
