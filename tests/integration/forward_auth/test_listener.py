"""The listener of `keyledger serve`: there where a setting names its port, and else not."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from keyledger.settings import Settings, SettingsError
from tests.support.processes.forked import run_forked
from tests.support.processes.parts import Part
from tests.support.processes.running import started
from tests.support.servers.databases import Database, plain
from tests.support.servers.kafka_jars import free_port


async def test_it_answers_at_its_port_and_its_times_are_in_the_metrics_of_the_api(
    database: Database, tmp_path: Path
) -> None:
    port = free_port()
    environ = {
        "KEYLEDGER_DATABASE_URL": plain(database.app_url),
        "KEYLEDGER_FORWARD_AUTH_PORT": str(port),
        "KEYLEDGER_FORWARD_AUTH_HOST": "localhost",
    }
    async with started(Part(tmp_path / "log", environ, "serve", "--port", "0")) as part:
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://127.0.0.1:{port}/metrics")
        assert (answer.status_code, answer.headers["keyledger-code"]) == (401, "missing")
        text = (await part.get("/metrics")).text
        label = '{method="GET",route="forward-auth",status="401"}'
        assert f"keyledger_forward_auth_seconds_count{label} 1.0" in text
        assert f"proxies can ask about API keys at http://127.0.0.1:{port}" in part.log
        code, _, err = await run_forked("serve", "--port", "0", environ=environ)
        assert code == 1
        assert f"port {port} on localhost can't be had" in err
        assert "KEYLEDGER_FORWARD_AUTH_PORT" in err


def test_there_is_none_unless_it_is_asked_for_and_then_on_loopback() -> None:
    assert Settings().forward_auth_port is None
    assert Settings().forward_auth_host == "127.0.0.1"


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "-1"), ("PORT", "65536"), ("PORT", "http"), ("HOST", "example.org"), ("HOST", "127.0.0.1:80")],
)
def test_what_is_no_address_is_refused_by_the_name_of_the_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"KEYLEDGER_FORWARD_AUTH_{name}", value)
    with pytest.raises(SettingsError, match=f"KEYLEDGER_FORWARD_AUTH_{name}"):
        Settings.read()
