"""A real Kafka broker for tests, for benches, and for people without Docker (`make kafka`).

Three steps: the broker that KAFKA_BOOTSTRAP_SERVERS names; else a container, where Docker answers; else Apache Kafka's
own jars, fetched once by Maven into .venv and run on Java in KRaft mode, on loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn, Protocol

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.docker import docker_answers

VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"
IMAGE = "apache/kafka:4.1.0"
VERSION = "4.3.0"
READY_S = 60.0
_HOME = Path(__file__).resolve().parent.parent / ".venv" / f"kafka-{VERSION}"
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>keyledger</groupId>
  <artifactId>broker-for-tests</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>2.24.3</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.24.3</version>
    </dependency>
  </dependencies>
</project>
"""
_LOG4J = """rootLogger.level = WARN
rootLogger.appenderRefs = console
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c: %m%n
"""


class NoBroker(Exception):
    """No broker can be had here; the message says what each step lacked."""


class BrokerFailed(Exception):
    """The broker did not start, although all that it needs is there: a fault, never a reason to skip."""


class Broker(Protocol):
    """A broker that runs."""

    bootstrap_servers: str


class GivenBroker:
    """The broker that the environment names: it is not ours to stop."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers


class JarBroker:
    """Apache Kafka's jars on a folder: started, stopped and killed as often as a test likes, on the same port.

    `extra` are lines of server.properties that come last, and `listeners` are further ones as NAME://127.0.0.1:PORT.
    """

    def __init__(self, folder: Path, *, port: int = 0, listeners: tuple[str, ...] = (), extra: str = "") -> None:
        self._folder = folder
        self._libs = fetched()
        self._process: subprocess.Popen[bytes] | None = None
        port, controller = port or free_port(), free_port()
        self.bootstrap_servers = f"127.0.0.1:{port}"
        plain = f"PLAINTEXT://127.0.0.1:{port}"
        names = {listener.partition(":")[0] for listener in listeners}
        protocols = ",".join(["PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT", *(f"{name}:{name}" for name in names)])
        self._write("log4j2.properties", _LOG4J)
        self._write(
            "server.properties",
            f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners={",".join([plain, f"CONTROLLER://127.0.0.1:{controller}", *listeners])}
advertised.listeners={",".join([plain, *listeners])}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map={protocols}
log.dirs={folder / "data"}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
{extra}
""",
        )
        if not (folder / "data").exists():
            cluster = self._tool("kafka.tools.StorageTool", "random-uuid").strip().splitlines()[-1]
            self._tool("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(folder / "server.properties"))

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None, "it does not run"
        return self._process.pid

    def start(self) -> None:
        """Start it and return when it answers. Raises BrokerFailed with the end of its log."""
        with (self._folder / "broker.log").open("ab") as log:
            program = [*self._java("kafka.Kafka"), str(self._folder / "server.properties")]
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _UNTIL_WE_ARE_GONE, "sh", *program],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_S
        while not answers(self.bootstrap_servers):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise BrokerFailed(f"the broker did not start:\n{self._log_end()}")
            time.sleep(0.1)

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop it cleanly."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()

    def _java(self, main: str) -> list[str]:
        options = ["-Xms256m", "-Xmx512m", "-XX:TieredStopAtLevel=1"]
        return ["java", *options, f"-Dlog4j2.configurationFile={self._folder / 'log4j2.properties'}",
                "-cp", f"{self._libs}/*", main]  # fmt: skip

    def _tool(self, main: str, *arguments: str) -> str:
        done = subprocess.run([*self._java(main), *arguments], check=True, capture_output=True, text=True)
        return done.stdout

    def _write(self, name: str, text: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / name).write_text(text, encoding="utf-8")

    def _log_end(self) -> str:
        return (self._folder / "broker.log").read_text(encoding="utf-8", errors="replace")[-2000:]


# Our end of the pipe closes when we die, however that was: the broker goes with its process group.
_UNTIL_WE_ARE_GONE = """
exec 3<&0
(cat <&3 >/dev/null; kill -KILL 0) &
exec "$@" 3<&- </dev/null
"""


def answers(bootstrap_servers: str) -> bool:
    """Whether a broker answers a client."""

    async def ask() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, request_timeout_ms=2000)
        try:
            await producer.start()
        finally:
            await producer.stop()

    host, _, port = bootstrap_servers.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
        asyncio.run(ask())
    except (KafkaError, OSError):
        return False
    return True


def fetched() -> Path:
    """The folder of the jars, fetched when they are not there. Raises NoBroker without Java or Maven."""
    lacking = [program for program in ("java", "mvn") if shutil.which(program) is None]
    libs = _HOME / "libs"
    if "java" in lacking or (lacking and not libs.exists()):
        raise NoBroker(f"Apache Kafka's jars need {' and '.join(lacking)}")
    if not libs.exists():
        _HOME.parent.mkdir(exist_ok=True)
        # Into a folder beside it first: an interrupted fetch leaves nothing that looks whole.
        with tempfile.TemporaryDirectory(dir=_HOME.parent) as scratch:
            (Path(scratch) / "pom.xml").write_text(_POM, encoding="utf-8")
            command = ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={scratch}/libs"]
            done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
            if done.returncode:
                raise NoBroker(f"Maven could not fetch Apache Kafka's jars: {(done.stdout + done.stderr)[-500:]}")
            _HOME.mkdir(exist_ok=True)
            with contextlib.suppress(OSError):  # another one was quicker
                (Path(scratch) / "libs").rename(libs)
    return libs


def missing_service(reason: str) -> NoReturn:
    """Skip the test that can't run without it; where CI=true promises every service, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def running_broker(folder: Path | None = None, *, port: int = 0) -> Iterator[Broker]:
    """A broker by the first step that is possible, until the block ends. Raises NoBroker."""
    if given := os.environ.get(VARIABLE):
        yield GivenBroker(given)
        return
    with _container() as contained:
        if contained is not None:
            yield contained
            return
    with jar_broker(folder, port=port) as broker:
        yield broker


@contextmanager
def jar_broker(folder: Path | None = None, *, port: int = 0) -> Iterator[JarBroker]:
    """Apache Kafka's jars in a folder, a temporary one when none is named."""
    with tempfile.TemporaryDirectory(prefix="keyledger-kafka-", ignore_cleanup_errors=True) as scratch:
        broker = JarBroker(folder or Path(scratch), port=port)
        broker.start()
        try:
            yield broker
        finally:
            broker.stop()


@contextmanager
def _container() -> Iterator[Broker | None]:
    if not docker_answers():
        yield None
        return
    from testcontainers.kafka import KafkaContainer  # noqa: PLC0415 - slow, and of use only with Docker

    made = KafkaContainer(IMAGE).with_kraft()
    try:
        made.start()
    except Exception as error:  # noqa: BLE001 - whatever Docker lacks, the jars may have
        sys.stderr.write(f"Docker answers, but {IMAGE} can't be started: {type(error).__name__}\n")
        yield None
        return
    try:
        yield GivenBroker(made.get_bootstrap_server())
    finally:
        made.stop()


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
    except NoBroker as error:
        sys.exit(f"no broker: {error}")


if __name__ == "__main__":
    main()
