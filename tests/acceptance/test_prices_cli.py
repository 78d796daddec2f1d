"""The price book by command: as docs/prices.md says, and what is refused by file and line."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.documents import blocks, environment, run
from tests.support.processes.forked_shell import forked_program
from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.registry_process import RegistryProcess

EXCERPT = Path(__file__).parents[1] / "support" / "prices" / "litellm_excerpt.json"
pytestmark = pytest.mark.xdist_group("prices")  # one server for the file


@pytest.fixture(scope="module")
async def registry(
    tmp_path_factory: pytest.TempPathFactory, initialised: InitialisedFolder
) -> AsyncIterator[RegistryProcess]:
    """A running registry for all tests here."""
    process = await initialised.registry(tmp_path_factory.mktemp("prices") / "data")
    await process.start()
    yield process
    assert await process.stop() == 0


async def test_the_page_is_right(registry: RegistryProcess, tmp_path: Path) -> None:
    by_hand, by_file = blocks("docs/prices.md", "tests/acceptance/test_prices_cli.py")
    environ = environment(tmp_path) | {"KEYLEDGER_DATA": str(registry.folder)}
    with forked_program(tmp_path / "bin" / "keyledger"):
        said = await run(by_hand, tmp_path, environ)
        imported = await run(by_file, tmp_path, environ)
    assert "would append PriceSet as of " in said
    assert "no line of a bill would change" in said  # there is no usage
    for words in ("per million: input 0.15, output 0.60", "billing_tier:gold", "ended", "PriceEnded", "contract 7"):
        assert words in said
    first, second, third = imported.split("wrong        0")[:3]
    assert "prices.csv, line 2: llama-silver new\nprices.csv, line 3: margin new\nnew          2" in first
    assert "nothing was set" in second
    assert "new          1" in third
    found = {one["price_id"]: one for one in await registry.json("prices", "list")}
    assert found.keys() >= {"llama-gold", "llama-silver", "margin", "mistral-gold"}
    assert found["mistral-gold"]["per_million"] == {"input": "0.10", "output": "0.30", "cache_read": "0.02"}


async def test_what_an_edit_would_change_is_said_and_nothing_done(registry: RegistryProcess, tmp_path: Path) -> None:
    (asked,) = blocks("docs/billing.md", "tests/acceptance/test_prices_cli.py")
    environ = environment(tmp_path) | {"KEYLEDGER_DATA": str(registry.folder)}
    with forked_program(tmp_path / "bin" / "keyledger"):
        said = await run(asked, tmp_path, environ)
    assert said.count("nothing was changed") == 2
    assert ("would append TagsChanged as of" in said, "PriceSet as of 2026-03-01T00:00:00" in said) == (True, True)
    (key,) = await registry.json("keys", "list", "--tag", "customer_id:acme")
    assert key["version"] == 1
    told = await registry.json("keys", "tag", key["public_id"], "--remove", "customer_id", "--dry-run-bill")
    assert (told["lines"], told["group_by"], told["events"][0]["data"]["remove"]) == (
        [],
        ["customer_id"],
        ["customer_id"],
    )
    code, _, err = await registry.ask("keys", "tag", key["public_id"], "--remove", "customer_id", "--group-by", "tier")
    assert (code, "--group-by goes with --dry-run-bill" in err) == (2, True)


async def test_an_import_is_tried_done_and_repeated(registry: RegistryProcess) -> None:
    command = ("prices", "import", str(EXCERPT), "--provider", "anthropic", "--provider", "azure")
    tried = await registry.json(*command, "--dry-run")
    assert (tried["set"], tried["left_out"], tried["applied"]) == (2, 1, False)
    assert [one["price_id"] for one in tried["items"] if one["outcome"] == "set"] == [
        "azure.gpt-4o",
        "anthropic.claude-sonnet-4-5",
    ]
    code, _, err = await registry.ask("prices", "show", "azure.gpt-4o")
    assert (code, "There is no such price" in err) == (1, True)
    done = await registry.json(*command)
    assert (done["set"], done["refused_late"], done["applied"]) == (2, 0, True)
    again = await registry.json(*command)
    assert (again["set"], again["changed"], again["left"], again["position"]) == (0, 0, 2, done["position"])
    shown = await registry.json("prices", "show", "azure.gpt-4o")
    assert (shown["per_million"]["cache_read"], shown["currency"], shown["provider"]) == ("1.25", "USD", "azure")


async def test_while_a_row_is_wrong_nothing_is_set_and_each_is_named(registry: RegistryProcess, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    rows = ("a1,m1,EUR,1,", "a2,m2,EUR,1e-7,", "a3,m1,EUR,2,", "a4,m1,EUR,2,gold", "a4,m9,EUR,2,gold")
    file.write_text("\n".join(["price_id,model,currency,input,tag:tier", *rows]) + "\n")
    code, out, err = await registry.ask("prices", "import", str(file))
    assert (code, err) == (1, "keyledger: 3 rows are wrong: nothing was set\n")
    assert "bad.csv, line 3: a2 wrong: per_million.input must be a plain decimal number" in out
    assert "bad.csv, line 4: a3 wrong: the price a1 rates the same rows as specifically" in out
    assert "bad.csv, line 6: a4 wrong: price_id is that of line 5, too" in out
    names = {one["price_id"] for one in await registry.json("prices", "list", "--all")}
    assert names.isdisjoint({"a1", "a4"})
    code, out, _ = await registry.ask("prices", "import", str(file), "--skip-bad")
    assert (code, "new          2" in out) == (0, True)
    names = {one["price_id"] for one in await registry.json("prices", "list", "--all")}
    assert names >= {"a1", "a4"}


async def test_a_wrong_use_is_refused_in_words(registry: RegistryProcess, tmp_path: Path) -> None:
    set_ = ("prices", "set", "x", "--model", "m", "--currency", "EUR")
    for command, code, words in (
        ((*set_, "--input", "1e-7"), 1, "per_million.input"),
        (set_, 1, "must have an amount"),
        ((*set_, "--input", "1", "--effective-at", "2026-01-01T00:00:00Z"), 1, "reason is required"),
        (("prices", "end", "nothing"), 1, "There is no such price"),
        (("prices", "show", "a/b"), 2, "a price_id has letters"),
        (("prices", "import", os.devnull), 1, "file"),
    ):
        exit_code, _, err = await registry.ask(*command)
        assert (exit_code, words in err) == (code, True), (command, err)
        assert "Traceback" not in err
    (tmp_path / "x.yaml").write_text("")
    assert "must end in" in (await registry.ask("prices", "import", str(tmp_path / "x.yaml")))[2]
