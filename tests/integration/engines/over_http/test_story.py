"""The parts of production, with ClickHouse over HTTP: a key is made, used, moved, revoked and billed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from registry.instant import parse_instant, to_ms
from tests.support.bill_world import World, chat, model, uuid7
from tests.support.portal import AdminClient
from tests.support.processes.forked import run_forked
from tests.support.processes.parts import Part
from tests.support.servers.databases import Database, plain
from tests.support.waiting import eventually

pytestmark = pytest.mark.xdist_group("clickhouse-http")

PERIOD = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
SCOPES = ("keys:read", "keys:write", "billing:read")


async def test_a_key_is_made_used_moved_revoked_and_billed(
    database: Database, clickhouse_http_url: str, world: World, tmp_path: Path
) -> None:
    environ = {
        "KEYLEDGER_DATABASE_URL": plain(database.app_url),
        "KEYLEDGER_CLICKHOUSE_URL": clickhouse_http_url,
        "KEYLEDGER_CLICKHOUSE_DATABASE": world.names.database,
        "KEYLEDGER_GATEWAY_CLICKHOUSE_DATABASE": world.names.gateway,
        "KEYLEDGER_GATEWAY_METRICS_URL": "http://127.0.0.1:1/metrics",  # where nobody answers, which is an alarm
    }
    options = [word for scope in SCOPES for word in ("--scope", scope)]
    code, out, err = await run_forked("token", "create", "--name", "portal", *options, "--json", environ=environ)
    assert code == 0, err
    serve = Part(tmp_path / "serve.log", environ, "serve", "--port", "0")
    projector = Part(tmp_path / "project.log", environ, "project", "clickhouse", "--feed", "log")
    collector = Part(tmp_path / "collect.log", environ, "project", "usage")
    try:
        await serve.start()
        await projector.start()
        await collector.start()
        async with AdminClient(serve.url, json.loads(out)["token"]) as portal:
            key = (await portal.create({"customer_id": "acme"}))["public_id"]
            await portal.edit(key, {"tags": {"customer_id": "globex"}}, reason="sold")
            ended = await portal.revoke(key)
            made, moved, _ = (to_ms(parse_instant(event["effective_at"])) for event in await portal.history(key))
            end = to_ms(parse_instant(ended["revoked_at"]))
            instants = [made, moved, moved, end]
            ids = [uuid7(at, serial) for serial, at in enumerate(instants)]
            await world.serve([chat(id_, key) for id_ in ids], collect=False)
            rows = [model(uuid7(at, 100 + n), ids[n]) for n, at in enumerate(instants)]
            await world.serve(rows, collect=False)

            async def uncollected() -> int:
                return int((await serve.status())["collector"]["uncollected"])

            assert await eventually(uncollected, lambda rows: rows == 0, timeout_s=30) == 0
            asked = PERIOD | {"group_by": "customer_id", "wait_for": str(ended["position"])}
            answer = await portal.http.get("/billing/usage", params=asked)
            assert answer.status_code == 200, answer.text
            bill = answer.json()
        assert bill["position"] == ended["position"]
        assert [(line["by"]["customer_id"], line["inferences"]) for line in bill["lines"]] == [
            ("acme", 1),
            ("globex", 2),
        ]
        assert [(line["by"]["customer_id"], line["cost_usd"]) for line in bill["late_lines"]] == [("globex", "0.001")]
        alarm = 'keyledger_alarms{kind="gateway_metrics"} 1.0'
        metrics = await eventually(lambda: projector.get("/metrics"), lambda seen: alarm in seen.text, timeout_s=30)
        assert alarm in metrics.text

        assert "keyledger_usage_uncollected_rows 0.0" in metrics.text

        async def running() -> set[str]:
            found = (await serve.status())["parts"]
            return {one["part"] for one in found if one["state"] in ("running", "leading")}

        every = {"serve", "sender", "projector", "collector"}
        await eventually(running, lambda parts: parts == every, timeout_s=30)
        await collector.stop()
        await projector.stop()
        await eventually(running, lambda parts: parts == {"serve", "sender"}, timeout_s=30)
        kinds = {one["kind"] for one in (await serve.status())["alarms"]}
        assert kinds == {"gateway_metrics"}, "one that was stopped cleanly is not missed"
    finally:
        await collector.stop()
        await projector.stop()
        await serve.stop()
