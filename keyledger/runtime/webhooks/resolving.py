"""Names of hosts into addresses that may be connected to."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from registry.webhooks.addresses import REFUSED, is_public

# Apart from the threads that others of the process use: a name server that hangs holds up webhooks alone.
_THREADS: Final = 8
_TRIED: Final = 4


class AddressRefused(Exception):
    """The host leads to an address that is not public."""

    def __init__(self) -> None:
        super().__init__(REFUSED)


class Resolver:
    """Resolves hosts. With `allow_private` every address will do."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="webhook-names")

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host, in the order of the system's choice; the first few alone.

        Raises AddressRefused where one of all is not public, and OSError where the name can't be resolved.
        """
        work = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except UnicodeError as error:  # a label that is too long
            raise socket.gaierror(socket.EAI_NONAME, "no such host") from error
        addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
        if not self._allow_private and not all(map(is_public, addresses)):
            raise AddressRefused
        return addresses[:_TRIED]

    def close(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
