"""The page on imports does what it says, on a gateway with three keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.documents import blocks, environment, in_the_background, run
from tests.support.gateway.gateway_keys import CREATED, GatewayKeys, MadeKey
from tests.support.processes.forked import run_forked
from tests.support.processes.forked_shell import forked_program
from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.running import started
from tests.support.servers.broker import free_port
from tests.support.servers.copies import Copies


@pytest.fixture
async def gateway(blank: Copies) -> AsyncIterator[GatewayKeys]:
    """The gateway's database."""
    made = GatewayKeys(await blank.take())
    await made.create()
    await made.add(
        MadeKey("k3yOfAcme001", description="production"),
        MadeKey("k3yOfGlobex1", disabled_at=CREATED + timedelta(days=1)),
        MadeKey("k3yOfNobody1"),
    )
    yield made
    blank.drop(made.database)


@pytest.mark.long  # what it runs has tests of its own: tests/integration/importing
async def test_keys_are_taken_over_as_the_page_says(gateway: GatewayKeys, tmp_path: Path) -> None:
    start, look, map_, apply, check = blocks("docs/import.md", "tests/acceptance/test_import_docs.py")
    environ = environment(tmp_path) | {
        "KEYLEDGER_GATEWAY_DATABASE_URL": gateway.url,
        "KEYLEDGER_DATA": "./ledger",
    }
    async with in_the_background(start.replace("8080", str(free_port())), b"ready ", tmp_path, environ):
        with forked_program(tmp_path / "bin" / "keyledger"):
            looked = await run(look, tmp_path, environ)
            mapped = await run(map_, tmp_path, environ)
            applied = await run(apply, tmp_path, environ)
            checked = await run(check, tmp_path, environ)
    assert looked.splitlines() == [
        "keys in the gateway's table  3",
        "  known here already         0",
        "  left out                   0",
        "  can't be imported          0",
        "  new                        3, 3 of them without tags",
        "mapped, not in the table     0",
        "nothing was imported: this is what --apply would do",
    ]
    assert "new                        3, 1 of them without tags" in mapped
    assert applied.splitlines()[-1] == "imported 3 keys, up to position 4"
    assert "imported 0 keys, up to position 4" in checked
    assert "k3yOfAcme001" in checked
    assert "ticket 4711: keys of the old gateway" in checked
    assert "everything is as the log says, up to position 4" in checked


async def test_what_is_wrong_is_told_by_line_with_exit_code_1(
    gateway: GatewayKeys, tmp_path: Path, initialised: InitialisedFolder
) -> None:
    await gateway.add(MadeKey("k3yOf\x1b[31mX"))
    environ = {"KEYLEDGER_GATEWAY_DATABASE_URL": gateway.url}
    mapping = tmp_path / "tags.csv"
    mapping.write_text("public_id,customer_id\nk3yOfAcme001,acme\nk3yOfGlobex1,\x07\n")
    async with started(await initialised.registry(tmp_path / "ledger", environ=environ)) as registry:
        command = ("import", "tensorzero", "--data", str(registry.folder), "--apply")
        refused = await run_forked(*command, "--tags", str(mapping), environ=environ)
        skipped = await run_forked(*command, "--tags", str(mapping), "--skip-bad", environ=environ)
        late = await run_forked(*command, environ=environ)
    assert refused[0] == 1
    wrong, key, *_, last = refused[1].splitlines()
    assert wrong == "mapping, line 3, key k3yOfGlobex1: customer_id must not contain control or format characters"
    assert key.startswith("key, key k3yOf\\x1b[31mX: public_id must be 12 ASCII letters and digits")
    assert last == "nothing is imported: mend the mapping, or leave its bad rows out with --skip-bad"
    assert skipped[0] == 0
    assert skipped[1].splitlines()[-1] == "imported 2 keys, up to position 3"
    assert late[0] == 1
    assert late[1].splitlines()[-1] == "imported 1 key, up to position 4"
    assert late[2] == "keyledger: 1 thing is wrong\n"
