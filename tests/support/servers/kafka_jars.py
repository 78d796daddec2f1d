"""Apache Kafka's own jars, fetched once by Maven into .venv and run on Java in KRaft mode, on loopback."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import fcntl
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.support.servers.docker import LOOPBACK

VERSION = "4.3.0"
READY_S = 60.0
_STOPPED_S = 60.0
_HOME = Path(__file__).resolve().parents[3] / ".venv" / f"kafka-{VERSION}"
_POM = f"""<project>
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


# What one node needs to be a cluster, in a container and out of one.
ONE_NODE = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
    # A broker that was killed can register again only when its old session is over: 9 s by default.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
}
_handed_out: set[int] = set()


class NoBroker(Exception):
    """No broker can be had here; the message says what each step lacked."""


class BrokerFailed(Exception):
    """The broker did not start, although all that it needs is there: a fault, never a reason to skip."""


class JarBroker:
    """Apache Kafka's jars on a folder: started, stopped and killed as often as a test likes, on the same port.

    Its calls block for seconds, and `start` runs an event loop: from a coroutine, call them in a thread.
    `extra` are lines of server.properties that come last, `listeners` further ones as NAME://127.0.0.1:PORT, and `java`
    options of the virtual machine in place of its archive of classes.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        listeners: tuple[str, ...] = (),
        extra: str = "",
        java: tuple[str, ...] | None = None,
    ) -> None:
        self._folder = folder = folder.resolve()
        self._libs = fetched()
        self._options = (f"-XX:SharedArchiveFile={class_archive()}",) if java is None else java
        self._process: subprocess.Popen[bytes] | None = None
        port, controller = port or free_port(), free_port()
        self.bootstrap_servers = f"{LOOPBACK}:{port}"
        plain = f"PLAINTEXT://{self.bootstrap_servers}"
        names = {listener.partition(":")[0] for listener in listeners}
        protocols = ",".join(["PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT", *(f"{name}:{name}" for name in names)])
        self._write("log4j2.properties", _LOG4J)
        settings = ONE_NODE | {
            "controller.quorum.voters": f"1@{LOOPBACK}:{controller}",
            "listeners": ",".join([plain, f"CONTROLLER://{LOOPBACK}:{controller}", *listeners]),
            "advertised.listeners": ",".join([plain, *listeners]),
            "listener.security.protocol.map": protocols,
            "log.dirs": str(folder / "data"),
        }
        lines = [f"{name}={value}" for name, value in settings.items()]
        self._write("server.properties", "\n".join([*lines, extra, ""]))
        # The last thing that formatting writes: an interrupted one begins again.
        if not (folder / "data" / "meta.properties").exists():
            self._tool("format", "--ignore-formatted", "-t", _cluster_id(), "-c", str(folder / "server.properties"))

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None, "it does not run"
        return self._process.pid

    def start(self) -> None:
        """Start it and return when it answers. Raises BrokerFailed with the end of its log."""
        assert self._process is None, "it runs"
        if not _is_free(int(self.bootstrap_servers.rpartition(":")[2])):
            raise BrokerFailed(f"another program listens on {self.bootstrap_servers}")
        with (self._folder / "broker.log").open("ab") as log:
            program = [*self._java("kafka.Kafka"), str(self._folder / "server.properties")]
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _UNTIL_WE_ARE_GONE, "sh", *program],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if not answers_in_time(self.bootstrap_servers, self._process):
            self.kill()
            raise BrokerFailed(f"the broker did not start:\n{self._log_end()}")

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
            process.wait(_STOPPED_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()

    def _java(self, main: str) -> list[str]:
        options = ["-Xms256m", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", *self._options]
        return ["java", *options, f"-Dlog4j2.configurationFile={self._folder / 'log4j2.properties'}",
                "-cp", f"{self._libs}/*", main]  # fmt: skip

    def _tool(self, *arguments: str) -> str:
        command = [*self._java("kafka.tools.StorageTool"), *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise BrokerFailed(f"the broker's folder can't be made:\n{(done.stdout + done.stderr)[-2000:]}")
        return done.stdout

    def _write(self, name: str, text: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / name).write_text(text, encoding="utf-8")

    def _log_end(self) -> str:
        return (self._folder / "broker.log").read_text(encoding="utf-8", errors="replace")[-2000:]


def _cluster_id() -> str:
    """As the broker's own tool makes one, which takes a second of Java: a UUID in URL-safe base64, no dash in front."""
    while (text := base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text


# Our end of the pipe closes when we die, however that was: the broker goes with its process group. (The kernel's own
# signal for it, PR_SET_PDEATHSIG, comes when the thread ends that started it, and tests start it from worker threads.)
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


def answers_in_time(bootstrap_servers: str, process: subprocess.Popen[bytes] | None = None) -> bool:
    """Wait until a broker answers, at most READY_S and only while its process runs. Returns whether it does."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and (process is None or process.poll() is None):
        if answers(bootstrap_servers):
            return True
        time.sleep(0.1)
    return False


def fetched() -> Path:
    """The folder of the jars, fetched when they are not there. Raises NoBroker without Java or Maven."""
    lacking = [program for program in ("java", "mvn") if shutil.which(program) is None]
    libs = _HOME / "libs"
    if "java" in lacking or (lacking and not libs.exists()):
        raise NoBroker(f"Apache Kafka's jars need {' and '.join(lacking)}")
    _HOME.parent.mkdir(exist_ok=True)
    with (_HOME.parent / f"kafka-{VERSION}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two workers of one test run: the second one waits, and finds them
        if not libs.exists():
            _fetch(libs)
    return libs


def class_archive() -> Path:
    """The classes of a broker as Java maps them at once, which halves its start; made when it is not there.

    Raises NoBroker, BrokerFailed. One that another Java made is ignored by Java. https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html
    """
    fetched()
    archive = _HOME / "classes.jsa"
    with (_HOME / "classes.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            with tempfile.TemporaryDirectory(dir=_HOME) as scratch:
                made = Path(scratch) / archive.name
                broker = JarBroker(Path(scratch) / "broker", java=(f"-XX:ArchiveClassesAtExit={made}",))
                broker.start()
                broker.stop()
                made.rename(archive)
    return archive


def _fetch(libs: Path) -> None:
    # Into a folder of its own first: an interrupted fetch leaves nothing that looks finished.
    with tempfile.TemporaryDirectory(dir=_HOME.parent) as scratch:
        (Path(scratch) / "pom.xml").write_text(_POM, encoding="utf-8")
        command = ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={scratch}/libs"]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoBroker(f"Maven could not fetch Apache Kafka's jars: {(done.stdout + done.stderr)[-500:]}")
        _HOME.mkdir(exist_ok=True)
        (Path(scratch) / "libs").rename(libs)


def free_port() -> int:
    """A port that nobody listens on now, and that was not handed out before.

    Below the range that the system gives to clients: one that tries again and again to reach a broker that was killed
    would in the end be given the broker's own port, and keep it.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        if port not in _handed_out and _is_free(port):
            _handed_out.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Java does: what was closed may linger
        try:
            one.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
