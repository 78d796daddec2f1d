"""A tenant's story over real HTTP and real commands: issued, used, moved, corrected, revoked, billed."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keyledger.gateway_rows import SMALL, GatewayRows, KeyUse, generate
from registry.instant import parse_instant, to_ms
from tests.acceptance.registry_process import RegistryProcess, run_command
from tests.acceptance.truth import SINCE, UNTIL, assert_bill_is_right, facts_of, rows_of


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[RegistryProcess]:
    """A running registry on a new folder."""
    process = RegistryProcess(tmp_path / "data")
    await process.start()
    yield process
    if process.postmasters():
        await process.stop()


async def load(registry: RegistryProcess, rows: GatewayRows, folder: Path) -> None:
    """Load all rows by command."""
    folder.mkdir()  # noqa: ASYNC240 - a test may wait for its disk
    for table, file in rows.write(folder).items():
        (loaded,) = await registry.json("load", table, str(file))
        assert loaded["rows"] == len(rows.tables[table])


async def test_every_inference_is_billed_by_the_tags_at_its_own_millisecond(
    registry: RegistryProcess, tmp_path: Path
) -> None:
    async with registry.portal() as portal:
        moving = await portal.create({"customer_id": "acme", "project_id": "chat"})
        wrong = await portal.create({"customer_id": "globex", "crème": "brûlée"})
        ending = await portal.create({"customer_id": "initech"}, expiration="2099-12-31T23:59:59Z")
        keys = [key["public_id"] for key in (moving, wrong, ending)]
        before_edits = ending["position"]
        await portal.edit(keys[0], {"tags": {"customer_id": "globex", "project_id": None}}, reason="sold")
        moved_ms = to_ms(parse_instant((await portal.history(keys[0]))[-1]["effective_at"]))
        await portal.edit(
            keys[1], {"tags": {"customer_id": "umbrella"}}, reason="wrong", effective_at=wrong["created_at"]
        )
        ended = await portal.revoke(keys[2], reason="contract ended")
        ended_ms = to_ms(parse_instant(ended["revoked_at"]))
        began_ms = to_ms(parse_instant(moving["created_at"]))
        uses = [KeyUse(keys[0], began_ms), KeyUse(keys[1], began_ms), KeyUse(keys[2], began_ms, ended_ms)]
        rows = generate(1, uses, began_ms - 100, ended_ms + 100, 600)
        for at_ms in (moved_ms - 1, moved_ms, ended_ms - 1, ended_ms):
            for key in keys:
                rows.model(rows.chat(at_ms, key), at_ms, SMALL, 100, 10)
        await load(registry, rows, tmp_path / "rows")

        facts = await facts_of(portal, keys)
        for group_by in (["customer_id"], ["project_id", "model"], ["crème", "provider", "hour"], ["function"], []):
            bill = await assert_bill_is_right(portal, facts, rows_of([rows]), group_by)
            assert bill["position"] == ended["position"]
            for known_at in (0, before_edits - 1, before_edits, before_edits + 1, before_edits + 2):
                await assert_bill_is_right(portal, facts, rows_of([rows]), group_by, known_at)


async def test_the_command_prints_the_same_bill_as_http(registry: RegistryProcess, tmp_path: Path) -> None:
    async with registry.portal() as portal:
        key = await portal.create({"customer_id": "acme"})
        at_ms = to_ms(parse_instant(key["created_at"]))
        rows = generate(2, [KeyUse(key["public_id"], at_ms)], at_ms, at_ms + 1000, 80)
        await load(registry, rows, tmp_path / "rows")
        over_http = await portal.bill(group_by=["customer_id", "day"], since=SINCE, until=UNTIL)
    arguments = ["--group-by", "customer_id", "--group-by", "day", "--since", SINCE, "--until", UNTIL]
    assert await registry.json("bill", *arguments) == over_http
    assert over_http["lines"][0]["by"] == {"customer_id": "acme", "day": key["created_at"][:10]}


async def test_loading_a_file_twice_changes_no_bill(registry: RegistryProcess, tmp_path: Path) -> None:
    async with registry.portal() as portal:
        key = await portal.create({"customer_id": "acme"})
        at_ms = to_ms(parse_instant(key["created_at"]))
        rows = generate(3, [KeyUse(key["public_id"], at_ms)], at_ms, at_ms + 1000, 80)
        await load(registry, rows, tmp_path / "once")
        once = await portal.bill(group_by=["model"], since=SINCE, until=UNTIL)
        await load(registry, rows, tmp_path / "twice")
        assert await portal.bill(group_by=["model"], since=SINCE, until=UNTIL) == once


async def test_a_broken_file_is_named_and_nothing_of_it_is_loaded(registry: RegistryProcess, tmp_path: Path) -> None:
    file = tmp_path / "broken.jsonl"
    rows = generate(4, [KeyUse("abcdefghijkl", 1_767_225_600_000)], 1_767_225_600_000, 1_767_225_601_000, 40)
    good = rows.write(tmp_path)["ModelInference"].read_text()
    file.write_text(good + '{"id": "no uuid", "colour": 1}\n')
    code, out, err = await registry.command("load", "ModelInference", str(file))
    assert code == 1
    assert "broken.jsonl" in err
    assert out == ""
    assert await registry.json("sql", "SELECT count() AS n FROM tensorzero.ModelInference") == [{"n": 0}]
    code, _, err = await registry.command("load", "NoSuchTable", str(file))
    assert code == 1
    assert "ModelInference" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_stops_all_of_it_and_a_restart_goes_on(
    registry: RegistryProcess, number: signal.Signals
) -> None:
    async with registry.portal() as portal:
        key = await portal.create({"customer_id": "acme"})
    assert len(registry.postmasters()) == 1
    assert await registry.stop(number) == 0
    assert registry.postmasters() == []
    assert not (registry.folder / "operator.sock").exists()
    # Where none runs, commands open the folder themselves, and leave nothing running.
    (listed,) = await registry.json("keys", "list")
    assert listed["public_id"] == key["public_id"]
    assert registry.postmasters() == []
    await registry.start()
    async with registry.portal() as portal:
        again = await portal.show(key["public_id"])
        assert again == {name: value for name, value in key.items() if name != "api_key"}
        assert (await portal.create({}))["position"] == key["position"] + 1


async def test_a_second_up_on_the_folder_is_refused(registry: RegistryProcess) -> None:
    code, out, err = await registry.command("up", "--port", "0")
    assert code == 1
    assert "in use by process" in err
    assert "ready" not in out
    async with registry.portal() as portal:
        await portal.create({})


async def test_the_folder_is_closed_to_others(registry: RegistryProcess) -> None:
    assert registry.folder.stat().st_mode & 0o777 == 0o700
    assert (registry.folder / "admin-token").stat().st_mode & 0o777 == 0o600
    assert (registry.folder / "operator.sock").stat().st_mode & 0o777 == 0o600


async def test_tokens_are_made_and_ended_by_command(registry: RegistryProcess) -> None:
    made = await registry.json("token", "create", "--name", "finance", "--scope", "billing:read")
    assert made["scopes"] == ["billing:read"]
    portal = registry.portal()
    async with portal:
        portal.http.headers["Authorization"] = f"Bearer {made['token']}"
        assert (await portal.bill_status()) == 200
        assert (await portal.http.get("/admin/api-keys")).status_code == 403
        await registry.json("token", "revoke", made["token_id"])
        assert (await portal.bill_status()) == 401
    listed = await registry.json("token", "list")
    assert [one["name"] for one in listed] == ["first admin token", "finance"]
    assert "token" not in listed[1]


async def test_wrong_use_is_exit_code_2_and_an_empty_folder_is_explained(tmp_path: Path) -> None:
    code, _, err = await run_command("keys", "list", "--data", str(tmp_path / "nothing"))
    assert code == 1
    assert "keyledger up --data" in err
    for wrong in (["bill"], ["keys", "tag", "abcdefghijkl"], ["keys", "create", "--tag", "no-colon"], ["no-such"]):
        code, _, _ = await run_command(*wrong)
        assert code == 2, wrong
    code, _, err = await run_command("settings", environ={"KEYLEDGER_CLOK_SKEW_MS": "5"})
    assert code == 1
    assert "KEYLEDGER_CLOK_SKEW_MS" in err
