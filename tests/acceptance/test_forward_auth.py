"""A proxy asks `up` about a key from the moment that the portal has it to the moment that it is revoked."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.support.processes.initialised import InitialisedFolder
from tests.support.processes.running import started
from tests.support.servers.kafka_jars import free_port


async def test_a_proxy_lets_a_key_through_from_its_creation_to_its_revocation(
    tmp_path: Path, initialised: InitialisedFolder
) -> None:
    port = free_port()
    environ = {"KEYLEDGER_FORWARD_AUTH_PORT": str(port), "KEYLEDGER_LOG_LEVEL": "DEBUG"}
    registry = await initialised.registry(tmp_path / "data", environ=environ)
    async with started(registry), registry.portal() as portal, httpx.AsyncClient() as proxy:
        key = await portal.create({"customer_id": "acme"})
        url, headers = f"http://127.0.0.1:{port}/v1/chat", {"X-Api-Key": key["api_key"]}
        answer = await proxy.post(url, headers=headers)
        assert (answer.status_code, answer.headers["keyledger-tags"]) == (200, '{"customer_id":"acme"}')
        await portal.revoke(key["public_id"])
        answer = await proxy.post(url, headers=headers)
        assert (answer.status_code, answer.headers["keyledger-code"]) == (403, "revoked")
    assert key["api_key"][6:] not in registry.log.read_text()
