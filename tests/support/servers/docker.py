"""Containers, where a Docker engine answers: asked once; when one can't start, that is said and the next step taken."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, cast

LOOPBACK = "127.0.0.1"


@lru_cache(maxsize=1)
def docker_answers() -> bool:
    """Whether a Docker engine answers, within a second. Its own client asks, as it knows the contexts."""
    program = shutil.which("docker")
    if program is None:
        return False
    try:
        return subprocess.run([program, "version"], capture_output=True, timeout=0.9, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@contextmanager
def container(
    image: str, port: int, environment: Mapping[str, str], *, host_port: int | None = None
) -> Iterator[tuple[str, int] | None]:
    """Host and port of a container's port until the block ends; None when it can't be started, which is said.

    On this machine the port is open on loopback only. `host_port` is its number there, a free one when not given.
    """
    with contextlib.ExitStack() as running:
        place = None
        if docker_answers():
            try:
                place = running.enter_context(_started(image, port, environment, host_port))
            except Exception as error:  # noqa: BLE001 - whatever Docker lacks, the next step may have
                say_skipped(image, f"can't be started: {type(error).__name__}")
        yield place


def say_skipped(image: str, reason: str) -> None:
    """Say that Docker is there, and why its step was left for the next one."""
    sys.stderr.write(f"Docker answers, but {image} {reason}\n")


@contextmanager
def _started(image: str, port: int, environment: Mapping[str, str], host_port: int | None) -> Iterator[tuple[str, int]]:
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - slow, and of use only with Docker

    made = DockerContainer(image, env=dict(environment))
    try:
        here = made.get_docker_client().host() in {"localhost", LOOPBACK}
        # Its own way to publish a port opens it to the whole network; Docker's takes the address, too.
        cast("dict[str, Any]", made.ports)[str(port)] = (LOOPBACK if here else "", host_port)
        made.start()
        # Not by its name: localhost may mean ::1 first.
        yield LOOPBACK if here else made.get_container_host_ip(), made.get_exposed_port(port)
    finally:
        made.stop()
