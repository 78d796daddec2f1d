"""Answers that wait until the gateway's own table of keys has a change."""

from __future__ import annotations

from fastapi.responses import JSONResponse

from keyledger.http.answer.answers import answer
from keyledger.http.keys.views import key_out
from keyledger.runtime.gateway_wait import GatewayWait
from keyledger.runtime.registry import Registry
from registry.errors import FieldFault, FieldsRefused
from registry.service import KeyAnswer


def wait_of(registry: Registry, wait_for: str | None) -> GatewayWait | None:
    """What a call is to wait for. Raises FieldsRefused, before anything is done, where there is no gateway."""
    if wait_for is not None and registry.gateway_wait is None:
        raise FieldsRefused(
            FieldFault("wait_for", "needs a gateway, and none is set up: set KEYLEDGER_GATEWAY_DATABASE_URL")
        )
    return None if wait_for is None else registry.gateway_wait


async def answer_when(done: KeyAnswer, wait: GatewayWait | None) -> JSONResponse:
    """The key, once what was to be waited for is so. Raises NotYetAtGateway, Busy: the change is made all the same."""
    if wait is not None:
        await wait.until(done.key.position)
    return answer(key_out(done.key, done.now), done.position)
