"""What operators do by command, on one registry for the whole file: each test brings keys and periods of its own."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from keyledger.demo.gateway_rows import GatewayRows, KeyUse, generate
from registry.instant import parse_instant, to_ms
from tests.support.documents import blocks
from tests.support.oracle.truth import SINCE, UNTIL
from tests.support.portal import AdminClient
from tests.support.processes.forked import run_forked
from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.registry_process import RegistryProcess

pytestmark = pytest.mark.xdist_group("commands")  # one server for the file


@pytest.fixture(scope="module")
async def registry(
    tmp_path_factory: pytest.TempPathFactory, initialised: InitialisedFolder
) -> AsyncIterator[RegistryProcess]:
    """A running registry for all tests here."""
    process = await initialised.registry(tmp_path_factory.mktemp("commands") / "data")
    await process.start()
    yield process
    assert await process.stop() == 0


async def use(portal: AdminClient, seed: int) -> tuple[GatewayRows, dict[str, Any]]:
    """A key of its own and its usage, and the question that bills it alone."""
    key = await portal.create({"customer_id": f"customer-{seed}"})
    at_ms = to_ms(parse_instant(key["created_at"]))
    rows = generate(seed, [KeyUse(key["public_id"], at_ms)], at_ms, at_ms + 1000, 80)
    return rows, {"since": SINCE, "until": UNTIL, "tag": f"customer_id:customer-{seed}"}


async def test_the_command_prints_the_same_bill_as_http(registry: RegistryProcess, tmp_path: Path) -> None:
    async with registry.portal() as portal:
        rows, question = await use(portal, 2)
        await registry.load(rows, tmp_path / "rows")
        over_http = await portal.bill(group_by=["customer_id", "day"], **question)
    options = ["--since", SINCE, "--until", UNTIL, "--tag", question["tag"]]
    assert await registry.json("bill", "--group-by", "customer_id", "--group-by", "day", *options) == over_http
    assert [line["by"]["customer_id"] for line in over_http["lines"]] == ["customer-2"]
    code, printed, _ = await registry.command("bill", "--group-by", "customer_id", *options)
    assert code == 0
    assert over_http["total"]["cost_usd"] in printed


async def test_the_pages_commands_on_bills_run_as_they_are_written(
    registry: RegistryProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with registry.portal() as portal:
        await portal.create({"customer_id": "one-of-the-page"})  # else no key has had the tag
    for block in blocks("docs/billing.md", "tests/acceptance/test_commands.py"):
        for line in block.splitlines():
            code, out, err = await registry.ask(*shlex.split(line)[1:])
            assert code in {0, 1}, err  # 1: a difference was found
            assert out, line
    assert (tmp_path / "march.parquet").read_bytes().startswith(b"PAR1")
    assert (tmp_path / "march.svg").read_text(encoding="utf-8").startswith("<svg")


async def test_the_csv_is_printed_to_the_byte_and_what_rounding_changed_on_stderr(
    registry: RegistryProcess, tmp_path: Path
) -> None:
    async with registry.portal() as portal:
        rows, question = await use(portal, 5)
        await registry.load(rows, tmp_path / "rows")
        of_http = await portal.http.get(
            "/billing/usage", params={**question, "group_by": "day", "round": True}, headers={"Accept": "text/csv"}
        )
    options = ["--since", SINCE, "--until", UNTIL, "--tag", question["tag"], "--group-by", "day"]
    code, out, err = await registry.ask("bill", *options, "--csv", "--round")
    assert (code, out.encode()) == (0, of_http.content)
    assert err == f"keyledger: rounding each line changed the sums by {of_http.headers['keyledger-rounding']}\n"
    for wrong, why in ((["--csv", "--json"], "give one of"), (["--round"], "goes with --csv")):
        code, out, err = await registry.ask("bill", *options, *wrong)
        assert (code, out, why in err) == (2, "", True)


async def test_what_an_export_for_focus_is_refused_for_is_said_and_no_file_is_left(
    registry: RegistryProcess, tmp_path: Path
) -> None:
    file, options = tmp_path / "march.parquet", ["--month", "2026-03", "--corrects-known-at", "1"]
    code, out, err = await registry.ask("focus", *options, "--parquet", str(file))
    assert (code, out, "corrects_usage_known_at" in err, file.exists()) == (1, "", True, False)
    code, out, err = await registry.ask("focus", "--month", "2026-03", "--parquet", str(tmp_path))
    assert (code, out, f"{tmp_path}: Is a directory" in err) == (1, "", True)


async def test_a_comparison_shows_both_sides_and_exits_with_1_where_they_differ(registry: RegistryProcess) -> None:
    options = ["--since", SINCE, "--until", UNTIL]
    async with registry.portal() as portal:
        await portal.create({"customer_id": "compared"})
    for base in (["--base-since", SINCE, "--base-until", UNTIL], ["--base-known-at", "0"]):
        code, out, err = await registry.ask("compare", *options, *base, "--json")
        total = json.loads(out)["total"]
        assert code == int(total["base"] != total["current"]), err
        again, out, _ = await registry.ask("compare", *options, *base)
        assert (again, out.startswith("base: period "), "Base → current" in out) == (code, True, True)
    code, _, err = await registry.ask("compare", *options)
    assert (code, "say what to compare with" in err) == (2, True)


async def test_sql_runs_one_statement_and_prints_the_format_that_it_names(registry: RegistryProcess) -> None:
    """Of several, all were run, and their rows given as one result; a FORMAT was a syntax error."""
    code, out, err = await registry.ask("sql", "CREATE TABLE default.twice (x Int8) ENGINE = Memory; SELECT 1")
    assert (code, out) == (1, "")
    assert "Multi-statements are not allowed" in err
    assert "formatQuery" not in err
    assert await registry.json("sql", "EXISTS TABLE default.twice") == [{"result": 0}]
    assert await registry.ask("sql", "SELECT 'a;b' AS \"x;\", [1] AS y; -- ;c") == (
        0,
        "x;   y\n────────\na;b  [1]\n",
        "",
    )
    csv = "SELECT number AS n, '\x1b[31m' AS x FROM numbers(2) FORMAT CSVWithNames"
    assert await registry.ask("sql", csv) == (0, '"n","x"\n0,"\x1b[31m"\n1,"\x1b[31m"\n', "")
    code, _, err = await registry.ask("sql", csv, "--json")
    assert (code, "leave --json or the FORMAT away" in err) == (2, True)


async def test_loading_a_file_twice_changes_no_bill(registry: RegistryProcess, tmp_path: Path) -> None:
    async with registry.portal() as portal:
        rows, question = await use(portal, 3)
        await registry.load(rows, tmp_path / "once")
        once = await portal.bill(group_by=["model"], **question)
        await registry.load(rows, tmp_path / "twice")
        assert await portal.bill(group_by=["model"], **question) == once


@pytest.mark.parametrize(
    ("ending", "form"),
    [("jsonl", "JSONEachRow"), pytest.param("csv", "CSVWithNames", marks=pytest.mark.long), ("parquet", "Parquet")],
)
async def test_rows_load_by_command_from_every_kind_of_file(
    registry: RegistryProcess, tmp_path: Path, ending: str, form: str
) -> None:
    async with registry.portal() as portal:
        rows, question = await use(portal, sum(ending.encode()))
        await registry.load(rows, tmp_path / "first")
        before = await portal.bill(group_by=["provider"], **question)
        for table in ("ChatInference", "ModelInference"):
            file = tmp_path / f"{table}.{ending}"
            await registry.json(
                "sql", f"INSERT INTO FUNCTION file('{file}', '{form}') SELECT * FROM tensorzero.{table}"
            )
            (there,) = await registry.json("sql", f"SELECT count() AS n FROM tensorzero.{table}")
            run = registry.command if (table, ending) == ("ModelInference", "parquet") else registry.ask
            code, out, err = await run("load", table, str(file))
            assert code == 0, err
            assert f"{there['n']} rows" in out
        # The same rows once more: had a value changed on its way, it would be a conflict, and another bill.
        assert await portal.bill(group_by=["provider"], **question) == before


def model_line(**changed: Any) -> str:
    """A model row of which one value does not fit."""
    row = {
        "id": "01953a3e-0000-7000-8000-000000000001",
        "inference_id": "01953a3e-0000-7000-8000-000000000002",
        "input_tokens": 1,
        "output_tokens": 1,
        "cost": "0.1",
    }
    return json.dumps({**row, **changed})


async def test_a_broken_file_is_named_and_nothing_of_it_is_loaded(registry: RegistryProcess, tmp_path: Path) -> None:
    count = ("sql", "SELECT count() AS n FROM tensorzero.ModelInference")
    before = await registry.json(*count)
    rows = generate(4, [KeyUse("abcdefghijkl", 1_767_225_600_000)], 1_767_225_600_000, 1_767_225_601_000, 40)
    good = rows.write(tmp_path)["ModelInference"].read_text()
    for name, line in (
        ("broken-id.jsonl", '{"id": "no uuid"}'),
        ("broken-column.jsonl", '{"colour": 1}'),
        ("no-id.jsonl", '{"inference_id": "01953a3e-0000-7000-8000-000000000001", "cost": 1}'),
        ("too-many-tokens.jsonl", model_line(input_tokens=2**32)),
        ("negative-tokens.jsonl", model_line(output_tokens=-1)),
        ("too-fine-cost.jsonl", model_line(cost="0.1234567891")),
        ("too-great-cost.jsonl", model_line(cost="1234567890123")),
        ("broken.txt", ""),
    ):
        file = tmp_path / name
        file.write_text(f"{good}{line}\n")
        code, out, err = await registry.ask("load", "ModelInference", str(file))
        assert (code, out) == (1, "")
        assert name in err
    assert await registry.json(*count) == before
    code, _, err = await registry.ask("load", "NoSuchTable", str(file))
    assert code == 1
    assert "ModelInference" in err


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
    assert listed[1]["revoked_at"] is not None
    assert "token" not in listed[1]


async def test_a_key_is_shown_with_the_last_use_of_its_credential(registry: RegistryProcess, tmp_path: Path) -> None:
    """Where ClickHouse can't say it, the key is shown all the same."""
    async with registry.portal() as portal:
        key = await portal.create({"customer_id": "shown"})
        public_id = key["public_id"]
        never = {"credential_id": public_id, "last_used_at": None, "inferences": 0}
        assert (await registry.json("keys", "show", public_id))["usage"]["items"] == [never]
        rows, question = await use(portal, 9)
        await registry.load(rows, tmp_path / "rows")
        listed = await portal.http.get("/admin/api-keys", params={"tag": question["tag"]})
        used_id = listed.json()["items"][0]["public_id"]
        expected = (await portal.http.get(f"/admin/api-keys/{used_id}/usage")).json()
    shown = await registry.json("keys", "show", used_id)
    assert shown.pop("usage") == expected
    assert shown == listed.json()["items"][0]
    (item,) = expected["items"]
    assert item["inferences"] > 0
    _, printed, _ = await registry.ask("keys", "show", used_id)
    assert f"{used_id}, last used {item['last_used_at']}, {item['inferences']} inferences" in printed
    _, printed, _ = await registry.command("status")
    assert f"usage: seen until {expected['seen_until']}; rows: ChatInference " in printed


async def test_a_keys_use_is_shown_without_the_gateways_tables(registry: RegistryProcess) -> None:
    async with registry.portal() as portal:
        key = await portal.create({})
    away = "RENAME TABLE tensorzero.ChatInference TO tensorzero.away"
    await registry.json("sql", away)
    try:
        code, out, err = await registry.ask("keys", "show", key["public_id"], "--json")
        _, status, _ = await registry.ask("status")
    finally:
        await registry.json("sql", "RENAME TABLE tensorzero.away TO tensorzero.ChatInference")
    assert (code, err) == (0, "")
    assert json.loads(out)["usage"]["items"][0]["inferences"] == 0
    assert json.loads(out)["public_id"] == key["public_id"]
    assert "usage: ClickHouse has no tensorzero.ChatInference." in status


async def test_wrong_use_is_exit_code_2_and_an_empty_folder_is_explained(tmp_path: Path) -> None:
    code, _, err = await run_forked("keys", "list", "--data", str(tmp_path / "nothing"))
    assert code == 1
    assert "keyledger up --data" in err
    wrong = (["bill"], ["keys", "tag", "abcdefghijkl"], ["keys", "create", "--tag", "no-colon"], ["no-such"])
    assert [code for code, _, _ in await asyncio.gather(*(run_forked(*one) for one in wrong))] == [2, 2, 2, 2]
    code, _, err = await run_forked("settings", environ={"KEYLEDGER_CLOK_SKEW_MS": "5"})
    assert code == 1
    assert "KEYLEDGER_CLOK_SKEW_MS" in err


async def test_a_key_is_stopped_and_gets_other_secrets_by_command(registry: RegistryProcess) -> None:
    async with registry.portal() as portal:
        public_id = (await portal.create({"customer_id": "life"}))["public_id"]
    suspended = await registry.json("keys", "suspend", public_id, "--reason", "invoice unpaid")
    assert suspended["status"] == "suspended"
    assert (await registry.json("keys", "list", "--status", "suspended"))[0]["public_id"] == public_id
    code, printed, err = await registry.command("keys", "resume", public_id, "--json")
    assert (code, err) == (0, "")
    assert json.loads(printed)["status"] == "active"
    code, printed, _ = await registry.ask("keys", "rotate", public_id, "--overlap-s", "60")
    assert code == 0
    assert "api_key: sk-t0-" in printed
    rotated = await registry.json("keys", "rotate", public_id, "--compromised")
    old, middle, new = rotated["credentials"]
    assert rotated["api_key"].startswith(f"sk-t0-{new['credential_id']}-")
    assert f"{middle['credential_id']}, until {new['created_at']}" in (await registry.ask("keys", "show", public_id))[
        1
    ].replace(", never used", "")
    ended = await registry.json("keys", "revoke-credential", public_id, old["credential_id"], "--reason", "lost")
    assert [one["revoked_at"] is None for one in ended["credentials"]] == [False, True, True]
    told = await registry.json("audit", "history", public_id)
    assert [one["reason"] for one in told] == [None, "invoice unpaid", None, None, None, "lost"]
    for wrong in (("rotate", public_id), ("rotate", public_id, "--compromised", "--overlap-s", "1"), ("resume", "a/b")):
        assert (await registry.ask("keys", *wrong))[0] == 2
    code, _, err = await registry.ask("keys", "revoke", public_id, "--wait-for-gateway")
    assert (code, "needs a gateway, and none is set up" in err) == (1, True)
    assert (await registry.json("keys", "show", public_id))["status"] == "active"


async def test_an_argument_that_is_not_utf_8_is_wrong_use(registry: RegistryProcess) -> None:
    code, _, err = await registry.command("keys", "suspend", "AAAAAAAAAAAA", "--reason", "\udcff")
    assert (code, err) == (2, "keyledger: an argument is not UTF-8\n")


async def test_rows_that_a_statement_writes_are_collected_when_it_is_answered(registry: RegistryProcess) -> None:
    async def collector() -> dict[str, Any]:
        _, out, _ = await registry.ask("status", "--json")  # whether an alarm is open is another's question
        shown: dict[str, Any] = json.loads(out)["collector"]
        return shown

    batch = (await collector())["batch"]
    columns = "id, inference_id, model_name, model_provider_name"
    rows = "SELECT generateUUIDv7(), generateUUIDv7(), 'm', 'p' FROM numbers(5)"
    code, _, err = await registry.ask("sql", f"INSERT INTO tensorzero.ModelInference ({columns}) {rows}")
    assert code == 0, err
    (found,) = await registry.json("sql", "SELECT max(batch) AS batch FROM keyledger.usage_batch_v1")
    assert found["batch"] > batch
    assert (await collector())["uncollected"] == 0


async def test_a_batch_is_tried_loaded_listed_and_taken_back_by_command(
    registry: RegistryProcess, tmp_path: Path
) -> None:
    async with registry.portal() as portal:
        rows, question = await use(portal, 77)
        before = await portal.bill(group_by=["model"], **question)
        files = rows.write(tmp_path)
        tables = ("ChatInference", "JsonInference", "ModelInference")
        code, tried, _ = await registry.ask("load", "ModelInference", str(files["ModelInference"]), "--dry-run")
        assert code == 0
        count = len(rows.tables["ModelInference"])
        assert f"{count} rows, {count} of them new" in tried
        assert "columns id, inference_id, " in tried
        assert await portal.bill(group_by=["model"], **question) == before
        for table in tables:
            code, out, _ = await registry.ask("load", table, str(files[table]), "--batch", "of-77")
            assert code == 0
            assert "in the batch of-77" in out
        assert await portal.bill(group_by=["model"], **question) != before
        listed = [one for one in await registry.json("loads") if one["batch"] == "of-77"]
        assert [(one["table"], one["file"], one["rows"]) for one in listed] == [
            (table, str(files[table].resolve()), len(rows.tables[table])) for table in tables
        ]
        code, out, _ = await registry.ask("unload", "of-77")
        assert code == 0
        assert f"{count} rows of ModelInference" in out
        assert await portal.bill(group_by=["model"], **question) == before
    assert (await registry.json("status"))["alarms"] == []
    code, _, err = await registry.ask("unload", "of-77")
    assert code == 1
    assert "no such batch" in err
    (made_up,) = await registry.json("load", "ModelInference", str(files["ModelInference"]))
    assert (await registry.json("unload", made_up["batch"]))["rows"] == {"ModelInference": count}
    code, _, err = await registry.ask("load", "ModelInference", str(files["ModelInference"]), "--batch", "../x")
    assert code == 1
    assert "--batch" in err


async def test_a_tag_policy_is_tried_set_and_shown(registry: RegistryProcess, tmp_path: Path) -> None:
    """On a tag that no other test has."""
    file = tmp_path / "policy.json"
    file.write_text('{"tags": {"colour": {"values": ["red", "grün"], "description": "of the badge"}}}')
    made = await registry.json("keys", "create", "--tag", "colour:blue")
    code, out, err = await registry.ask("tag-policy", "set", str(file), "--dry-run")
    assert code == 1
    assert f"{made['public_id']}: tags.colour: the tag policy allows red, grün" in out
    assert "1 of " in err
    assert (await registry.json("tag-policy", "show"))["version"] == 0
    code, out, _ = await registry.ask("tag-policy", "set", str(file), "--reason", "a test")
    assert (code, "red, grün" in out, "other tags may have any value; version 1, set at" in out) == (0, True, True)
    code, _, err = await registry.ask("keys", "create", "--tag", "colour:black")
    assert (code, "tags.colour" in err or "colour" in err) == (1, True), err
    shown = await registry.json("tag-policy", "show")
    again = tmp_path / "shown.json"
    again.write_text(json.dumps(shown))
    assert await registry.json("tag-policy", "set", str(again)) == shown, "what says the same is not recorded"
    code, out, _ = await registry.ask("audit", "history", "tag-policy")
    assert (code, "tag policy set" in out, "a test" in out) == (0, True, True)
    for text, words in (
        ("[]", "must be an object"),
        ("{", "no JSON"),
        ('{"tags": {}, "open": 1}', "'open' is none of"),
    ):
        file.write_text(text)
        code, _, err = await registry.ask("tag-policy", "set", str(file))
        assert (code, words in err) == (2, True), err
