"""A registry in a process of its own, whose public app has one more route: an answer that never changes.

    python -m bench.api_load.app FOLDER KEYS

The route goes through all that each request of a caller does: the guard, the token, the check of the query. KEYS rows
of keys are there from the beginning.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from bench.lists import fill
from keyledger.embedded.folder import DataFolder
from keyledger.embedded.stack import open_stack
from keyledger.embedded.up import first_token
from keyledger.http.answer.answers import answer
from keyledger.http.app import public_app
from keyledger.http.dependencies import OF_CALLERS, KeyReader
from keyledger.http.request.query_params import NoQuery
from keyledger.runtime.serving.server import bind_tcp, serving, stop_on_signal
from keyledger.settings import Settings
from registry.verify.known_keys import following

CONSTANT = "/admin/constant"
SHOWN = {"public_id": "abcDEF123456", "tags": {"customer_id": "acme", "billing_tier": "gold"}, "status": "active"}
router = APIRouter(dependencies=OF_CALLERS)


@router.api_route(CONSTANT, methods=["GET", "POST"])
async def constant(_principal: KeyReader, _query: Annotated[NoQuery, Query()]) -> JSONResponse:
    """The same each time."""
    return answer(SHOWN, 1)


async def run(folder: DataFolder, keys: int) -> None:
    """Serve until SIGTERM."""
    stop = stop_on_signal()
    with folder, bind_tcp("127.0.0.1", 0) as tcp:
        async with open_stack(folder, Settings.read()) as stack:
            await first_token(folder.admin_token, stack)
            if keys:
                await fill(stack.postgres.owner_url, keys, before=True)
            app = public_app(stack.services)
            app.include_router(router)
            registry = stack.services.registry
            async with following(registry.known_keys), registry.gate.last_use.writing(), serving([(app, tcp)]):
                url, owner = f"http://127.0.0.1:{tcp.getsockname()[1]}", stack.postgres.owner_url
                print(f"ready {url} {owner}", flush=True)
                await stop.wait()


if __name__ == "__main__":
    asyncio.run(run(DataFolder(Path(sys.argv[1])), int(sys.argv[2])))
