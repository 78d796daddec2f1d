"""Names of hosts into addresses that may be connected to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any, Final

from registry.webhooks.addresses import REFUSED, is_public

_AT_ONCE: Final = 8
_TRIED: Final = 4


class AddressRefused(Exception):
    """The host leads to an address that is not public."""

    def __init__(self) -> None:
        super().__init__(REFUSED)


class Resolver:
    """Resolves hosts. With `allow_private` every address will do.

    In threads of its own, which nothing waits for: a name server that hangs holds up webhooks alone, and no end of the
    process.
    """

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host, in the order of the system's choice; the first few alone.

        Raises AddressRefused where one of all is not public, and OSError where the name can't be resolved.
        """
        found = await self._resolved(host, port)
        addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
        if not self._allow_private and not all(map(is_public, addresses)):
            raise AddressRefused
        return addresses[:_TRIED]

    async def _resolved(self, host: str, port: int) -> list[Any]:
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Any]] = loop.create_future()

        def settle(give: Callable[[Any], None], value: Any) -> None:
            self._free.release()
            if not answer.done():  # nobody may wait for it any more
                give(value)

        def work() -> None:
            give: Callable[[Any], None] = answer.set_result
            value: Any
            try:
                value = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
            except UnicodeError:  # a label that is too long
                give, value = answer.set_exception, socket.gaierror(socket.EAI_NONAME, "no such host")
            except OSError as error:
                give, value = answer.set_exception, error
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(settle, give, value)

        Thread(target=work, name="webhook-names", daemon=True).start()
        return await answer
