"""What an auditor reads by command: a life, a state, a difference, and why an inference is on the bill as it is."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import pytest

from keyledger.demo.gateway_rows import FLASH, SMALL, GatewayRows
from registry.instant import parse_instant, to_ms
from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.registry_process import RegistryProcess

pytestmark = pytest.mark.xdist_group("audit-reads")  # one server for the file

EVER = ("--since", "2020-01-01T00:00:00Z", "--until", "2100-01-01T00:00:00Z", "--group-by", "customer_id")
# A terminal would turn red at this, were it printed as it is.
RED = "\x1b[31m"


@dataclass(frozen=True)
class Disputed:
    """A registry with a key that was corrected from its creation on, and one inference of it."""

    process: RegistryProcess
    public_id: str
    created_at: str
    corrected: int
    inference: UUID


@pytest.fixture(scope="module")
async def disputed(tmp_path_factory: pytest.TempPathFactory, initialised: InitialisedFolder) -> AsyncIterator[Disputed]:
    """For all tests here; they only read."""
    folder = tmp_path_factory.mktemp("audit")
    process = await initialised.registry(folder / "data")
    await process.start()
    async with process.portal() as portal:
        key = await portal.create({"customer_id": "acme", "env": "prod"}, description="Größe\nzwei")
        at, tags = key["created_at"], {"customer_id": "globex", "env": None}
        edited = await portal.edit(key["public_id"], {"tags": tags}, effective_at=at, reason="ticket 4711")
    rows = GatewayRows(random.Random(1))
    inference = rows.chat(to_ms(parse_instant(at)), key["public_id"], {"channel": f"web{RED}"})
    rows.model(inference, to_ms(parse_instant(at)), SMALL, 1000, 10)
    rows.model(inference, to_ms(parse_instant(at)) + 1, FLASH, 100, 20)
    await process.load(rows, folder / "rows")
    yield Disputed(process, key["public_id"], at, edited["position"], inference)
    assert await process.stop() == 0


async def test_a_life_is_told_for_a_person_and_for_a_program(disputed: Disputed) -> None:
    code, out, err = await disputed.process.ask("audit", "history", disputed.public_id)
    assert (code, err) == (0, "")
    blocks = out.split("\n2")
    assert f"  position {disputed.corrected}  first admin token (token-" in blocks[1]
    assert f"  tags.customer_id: acme → globex, from {disputed.created_at} (backdated)\n" in blocks[1]
    assert f"  tags.env: prod → -, from {disputed.created_at} (backdated)\n" in blocks[1]
    assert "  reason: ticket 4711\n" in blocks[1]
    assert "  description: - → Größe\\nzwei\n" in blocks[0]
    made, corrected = await disputed.process.json("audit", "history", disputed.public_id)
    assert (made["type"], corrected["reason"]) == ("KeyCreated", "ticket 4711")


async def test_a_state_is_shown_of_one_key_and_of_all(disputed: Disputed) -> None:
    before = str(disputed.corrected - 1)
    found = await disputed.process.json("audit", "state", disputed.public_id, "--known-at", before)
    assert found["tags"] == {"customer_id": "acme", "env": "prod"}
    (listed,) = await disputed.process.json("audit", "state", "--all", "--known-at", before)
    assert listed == found
    assert await disputed.process.json("audit", "state", "--all", "--known-at", "0") == []
    code, out, _ = await disputed.process.ask("audit", "state", "--all")
    assert code == 0
    assert out.splitlines()[0] == f"{disputed.public_id}  active     customer_id:globex"


async def test_a_difference_is_exit_code_1_and_none_is_0(disputed: Disputed) -> None:
    positions = ("--known-at", str(disputed.corrected - 1), "--known-at", str(disputed.corrected))
    code, out, err = await disputed.process.ask("audit", "diff", *positions, *EVER)
    assert (code, err) == (1, "")
    assert "tags.customer_id: acme → globex" in out
    # 1,000 and 100 tokens in, 10 and 20 out, at the prices of the two models.
    assert "-0.00035" in out
    code, out, _ = await disputed.process.ask("audit", "diff", *positions, *EVER, "--json")
    found = json.loads(out)
    assert [one["public_id"] for one in found["keys"]] == [disputed.public_id]
    assert [(line["by"]["customer_id"], line["cost_usd"]) for line in found["bill"]["lines"]] == [
        ("acme", "-0.00035"),
        ("globex", "0.00035"),
    ]
    same = ("--known-at", str(disputed.corrected), "--known-at", str(disputed.corrected))
    code, out, _ = await disputed.process.ask("audit", "diff", *same, *EVER)
    assert code == 0
    assert "is the same" in out


async def test_an_inference_is_explained_with_its_arithmetic_and_without_commands_to_the_terminal(
    disputed: Disputed,
) -> None:
    code, out, err = await disputed.process.ask("audit", "explain", str(disputed.inference))
    assert (code, err) == (0, "")
    assert f"bucket keyed: at {disputed.created_at} its key was alive" in out
    assert f"  customer_id: globex, set by position {disputed.corrected}, first admin token (token-" in out
    assert f"  env: -, removed by position {disputed.corrected}, " in out
    assert "    reason: ticket 4711\n" in out
    assert "input_tokens          1000 + 100 = 1100\n" in out
    assert "cost_usd              0.00027 + 0.00008 = 0.00035\n" in out
    assert "channel:web\\x1b[31m" in out
    assert RED not in out
    found = await disputed.process.json("audit", "explain", str(disputed.inference), "--known-at", "0")
    assert (found["bucket"], found["key"], found["tags"]) == ("unknown_key", None, [])


async def test_wrong_use_is_exit_code_2_and_what_nobody_has_is_1(disputed: Disputed) -> None:
    for arguments, expected in (
        (("history", "a/b"), 2),
        (("history", "AAAAAAAAAAAA"), 1),
        (("state",), 2),
        (("state", disputed.public_id, "--all"), 2),
        (("state", disputed.public_id, "--known-at", "999999"), 1),
        (("diff", "--known-at", "1"), 2),
        (("diff", "--known-at", "2", "--known-at", "1"), 2),
        (("diff", "--known-at", "1", "--known-at", "2", "--group-by", "a"), 2),
        (("diff", "--known-at", "1", "--known-at", "999999"), 1),
        (("explain", "x"), 2),
        (("explain", "01953a3e-0000-7000-8000-000000000001"), 1),
    ):
        code, out, err = await disputed.process.ask("audit", *arguments)
        assert (code, out) == (expected, ""), arguments
        assert err
