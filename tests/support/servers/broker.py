"""A real Kafka broker for tests, for benches, and for people without Docker (`make kafka`).

Three steps: the broker that KAFKA_BOOTSTRAP_SERVERS names; else a container, where Docker answers; else Apache Kafka's
own jars, fetched once by Maven into .venv and run on Java in KRaft mode, on loopback.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn, Protocol

import pytest

from tests.support.servers.docker import LOOPBACK, container, say_skipped
from tests.support.servers.images import KAFKA as IMAGE
from tests.support.servers.kafka_jars import (
    ONE_NODE,
    BrokerFailed,
    JarBroker,
    NoBroker,
    answers_in_time,
    free_port,
)

__all__ = [
    "Broker",
    "BrokerFailed",
    "JarBroker",
    "NoBroker",
    "free_port",
    "jar_broker",
    "missing_service",
    "running_broker",
]

VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"


class Broker(Protocol):
    """A broker that runs."""

    bootstrap_servers: str


class GivenBroker:
    """The broker that the environment names: it is not ours to stop."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers


def missing_service(reason: str) -> NoReturn:
    """Skip the test that can't run without it; where CI=true promises every service, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def running_broker(folder: Path | None = None, *, port: int = 0) -> Iterator[Broker]:
    """A broker by the first step that is possible, until the block ends. Raises NoBroker, or BrokerFailed.

    A folder is for the jars: who names one wants the records kept, which a container does not.
    """
    if given := os.environ.get(VARIABLE):
        yield GivenBroker(given)
        return
    with contextlib.ExitStack() as running:
        contained = running.enter_context(_container(port or free_port())) if folder is None else None
        yield contained or running.enter_context(jar_broker(folder, port=port))


@contextmanager
def jar_broker(folder: Path | None = None, *, port: int = 0) -> Iterator[JarBroker]:
    """Apache Kafka's jars in a folder, a temporary one when none is named."""
    with tempfile.TemporaryDirectory(prefix="keyledger-kafka-", ignore_cleanup_errors=True) as scratch:
        broker = JarBroker(folder or Path(scratch), port=port)
        try:
            broker.start()
            yield broker
        finally:
            broker.stop()


def container_environment(port: int) -> dict[str, str]:
    """The image's settings. The port is the same inside and outside, as clients are told one address."""
    settings = ONE_NODE | {
        "controller.quorum.voters": f"1@localhost:{port + 1}",
        "listeners": f"PLAINTEXT://:{port},CONTROLLER://localhost:{port + 1}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": "/tmp/kraft-combined-logs",  # noqa: S108 - in the container
    }
    # Once one setting is given, the image takes none of its own.
    return {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in settings.items()}


@contextmanager
def _container(port: int) -> Iterator[Broker | None]:
    # Not testcontainers' own class for Kafka: that one starts Confluent's image, whose scripts Apache's lacks.
    with contextlib.ExitStack() as running:
        place = running.enter_context(container(IMAGE, port, container_environment(port), host_port=port))
        broker = None
        if place is not None:
            address = f"{place[0]}:{place[1]}"
            if place[0] == LOOPBACK and answers_in_time(address):
                broker = GivenBroker(address)
            else:
                say_skipped(IMAGE, f"does not answer on {address}")
                running.close()  # before the jars want its port
        yield broker


def main() -> None:
    """Run a broker in the foreground until a signal."""
    parser = argparse.ArgumentParser(prog="make kafka", description="Run a Kafka broker on loopback until Ctrl-C.")
    parser.add_argument("--port", type=int, default=9092, help="9092 by default; 0 takes a free one")
    parser.add_argument("--data", type=Path, help="its folder; a temporary one by default")
    chosen = parser.parse_args()

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        with running_broker(chosen.data, port=chosen.port) as broker:
            sys.stdout.write(
                f"ready {broker.bootstrap_servers}\n"
                f"export KEYLEDGER_KAFKA_BOOTSTRAP_SERVERS={broker.bootstrap_servers}\n"
            )
            sys.stdout.flush()
            signal.pause()
    except KeyboardInterrupt:
        return
    except (NoBroker, BrokerFailed) as error:
        sys.exit(f"no broker: {error}")


if __name__ == "__main__":
    main()
