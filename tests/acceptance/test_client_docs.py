"""The portals of docs/client.md do what the page says, against a registry with usage."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random

import httpx
import pytest

from keyledger.demo.gateway_rows import LARGE, GatewayRows
from keyledger.http.app import public_document
from registry.instant import parse_instant, to_ms
from tests.support.documents import blocks
from tests.support.generated_clients.tools import HERE, typescript_tools
from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.registry_process import RegistryProcess
from tests.support.processes.running import started
from tests.support.servers.environments import ROOT, CannotInstall
from tests.support.servers.kafka_jars import free_port

PAGE, TEST = "docs/client.md", "tests/acceptance/test_client_docs.py"
SECRET = re.compile(r"sk-t0-[A-Za-z0-9]{12}-[A-Za-z0-9]{48}")


@pytest.fixture
async def registry(tmp_path: Path, initialised: InitialisedFolder) -> AsyncIterator[RegistryProcess]:
    """One that runs."""
    async with started(await initialised.registry(tmp_path / "data")) as process:
        yield process


def token_of(registry: RegistryProcess) -> str:
    """The first admin token."""
    return (registry.folder / "admin-token").read_text(encoding="ascii").strip()


@contextlib.asynccontextmanager
async def portal(registry: RegistryProcess, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A browser on the page of the Python portal."""
    (program,) = blocks(PAGE, TEST, "python")
    assert len(program.splitlines()) <= 45
    (folder / "portal.py").write_text(program, encoding="utf-8")
    port = free_port()
    command = (sys.executable, str(folder / "portal.py"), registry.url, token_of(registry), str(port))
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as browser:
            async with asyncio.timeout(60):
                while True:
                    assert process.returncode is None, "it ended by itself"
                    with contextlib.suppress(httpx.TransportError):
                        await browser.get("/")
                        break
                    await asyncio.sleep(0.05)
            yield browser
    finally:
        process.kill()
        await process.wait()


async def test_the_portal_in_python_makes_bills_and_revokes_the_keys_of_its_customer_alone(
    registry: RegistryProcess, tmp_path: Path
) -> None:
    async with contextlib.AsyncExitStack() as opened:
        admin = await opened.enter_async_context(registry.portal())
        foreign = await admin.create({"customer_id": "globex"})
        browser = await opened.enter_async_context(portal(registry, tmp_path))
        page = (await browser.post("/", data={"create": "Kasse <3>"})).text
        (secret,) = SECRET.findall(page)
        assert "Kasse &lt;3&gt;" in page
        key = await admin.show(secret[6:18])
        assert (key["tags"], key["description"]) == ({"customer_id": "acme"}, "Kasse <3>")
        assert (await admin.history(key["public_id"]))[0]["on_behalf_of"] == "portal of acme"

        at_ms = to_ms(parse_instant(key["created_at"]))
        rows = GatewayRows(Random(1))
        rows.model(rows.chat(at_ms, key["public_id"]), at_ms, LARGE, 1000, 10)
        await registry.load(rows, tmp_path / "rows")
        cost = Decimal(rows.tables["ModelInference"][0]["cost"])
        page = (await browser.get("/")).text
        shown = re.search(r"This month: ([0-9.]+) USD", page)
        if at_ms >= to_ms(datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)):
            assert shown is not None, page
            assert Decimal(shown[1]) == cost
        assert foreign["public_id"] not in page
        assert not SECRET.search(page)

        assert f"{key['public_id']} is revoked" in (await browser.post("/", data={"revoke": key["public_id"]})).text
        await browser.post("/", data={"revoke": foreign["public_id"]})
        assert (await admin.show(foreign["public_id"]))["status"] == "active"
        assert "no such key" in (await browser.post("/", data={"revoke": "a" * 12})).text


async def test_the_portal_in_typescript_does_the_same(registry: RegistryProcess, tmp_path: Path) -> None:
    try:
        tools = typescript_tools()
    except CannotInstall as error:
        # In CI, too: a fresh machine has Python, make and a package index, and need not have node and npm's registry.
        pytest.skip(str(error))
    folder = tmp_path / "portal"
    folder.mkdir()
    (program,) = blocks(PAGE, TEST, "ts")
    assert len(program.splitlines()) <= 45
    (folder / "portal.mts").write_text(program, encoding="utf-8")
    (folder / "openapi.json").write_text(json.dumps(public_document()), encoding="utf-8")
    options = json.loads((HERE / "tsconfig.json").read_text(encoding="utf-8"))
    options |= {"compilerOptions": options["compilerOptions"] | {"noEmit": False}, "files": ["portal.mts"]}
    (folder / "tsconfig.json").write_text(json.dumps(options), encoding="utf-8")
    (folder / "node_modules").symlink_to(tools)
    node = shutil.which("node") or "node"
    generator = str(tools / "openapi-typescript" / "bin" / "cli.js")
    await ran(folder, node, generator, "openapi.json", "--output", "keyledger.d.ts")
    await ran(folder, node, str(tools / "typescript" / "bin" / "tsc"), "--project", ".")
    printed = json.loads(await ran(folder, node, "portal.mjs", registry.url, token_of(registry)))
    assert SECRET.fullmatch(printed.pop("secret"))
    assert printed == {"keys": 1, "cost": "not known", "status": "revoked"}


async def ran(folder: Path, *command: str) -> str:
    """What a command that must succeed prints."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, out.decode()[-3000:] + err.decode()[-3000:]
    return out.decode()
