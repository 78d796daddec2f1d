"""Answers that wait until the gateway's own table of keys has a change."""

from __future__ import annotations

from typing import Final

from fastapi.responses import JSONResponse

from keyledger.http.answer.answers import answer
from keyledger.http.keys.views import answer_key, new_key_out
from keyledger.http.request.versions import ETAG_HEADER, etag
from keyledger.runtime.gateway_wait import GatewayWait
from keyledger.runtime.registry import Registry
from registry.errors import FieldFault, FieldsRefused
from registry.service import KeyAnswer

GATEWAY_HEADER: Final = "Keyledger-Gateway"


def wait_of(registry: Registry, wait_for: str | None) -> GatewayWait | None:
    """What a call is to wait for. Raises FieldsRefused, before anything is done, where there is no gateway."""
    if wait_for is not None and registry.gateway_wait is None:
        raise FieldsRefused(
            FieldFault("wait_for", "needs a gateway, and none is set up: set KEYLEDGER_GATEWAY_DATABASE_URL")
        )
    return None if wait_for is None else registry.gateway_wait


async def answer_when(done: KeyAnswer, wait: GatewayWait | None) -> JSONResponse:
    """The key, once what was to be waited for is so. Raises NotYetAtGateway: the change is made all the same."""
    if wait is not None:
        await wait.until(done.key.position)
    return shown(done)


def shown(done: KeyAnswer) -> JSONResponse:
    """The answer of a change of a key."""
    return answer_key(done.key, done.now, done.position)


def shown_new(made: KeyAnswer) -> JSONResponse:
    """The answer that shows a new secret."""
    new = answer(new_key_out(made), made.position, 201)
    new.headers[ETAG_HEADER] = etag(made.key.version)
    return new


async def answer_new(made: KeyAnswer, wait: GatewayWait | None) -> JSONResponse:
    """The key with its new secret, which a customer may use at once: so it waits a moment for the gateway's table."""
    new = shown_new(made)
    new.headers.update(await gateway_header(made.key.position, wait))
    return new


async def gateway_header(position: int, wait: GatewayWait | None) -> dict[str, str]:
    """Whether the gateway's table has what a position changed, after a moment; none without a gateway. Never raises."""
    if wait is None:
        return {}
    return {GATEWAY_HEADER: "ready" if await wait.ready(position) else "pending"}
