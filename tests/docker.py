"""Containers, where a Docker engine answers: asked once; when one can't start, that is said and the next step taken."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache


@lru_cache(maxsize=1)
def docker_answers() -> bool:
    """Whether a Docker engine answers."""
    program = shutil.which("docker")
    if program is None:
        return False
    try:
        return subprocess.run([program, "version"], capture_output=True, timeout=5, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@contextmanager
def container(image: str, port: int, environment: Mapping[str, str]) -> Iterator[tuple[str, int] | None]:
    """Host and port of a container's port; None when it can't be started, which is said."""
    if not docker_answers():
        yield None
        return
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - slow, and of use only with Docker

    made = DockerContainer(image).with_exposed_ports(port)
    for name, value in environment.items():
        made = made.with_env(name, value)
    try:
        made.start()
    except Exception as error:  # noqa: BLE001 - whatever Docker lacks, the next step may have
        sys.stderr.write(f"Docker answers, but {image} can't be started: {type(error).__name__}\n")
        yield None
        return
    try:
        yield made.get_container_host_ip(), int(made.get_exposed_port(port))
    finally:
        made.stop()
