"""TLS as the settings say: who is trusted is connected to, and who is not gets no login and no data.

The embedded PostgreSQL is built without TLS: a front of our own does the handshake for the real server behind it.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError
from sqlalchemy import text
from sqlalchemy.engine import make_url

from keyledger.runtime.connections import (
    clickhouse_client,
    database_engine,
    database_ssl,
    kafka_options,
)
from keyledger.settings import Settings
from projections.errors import ClickHouseError, ClickHouseUnavailable
from registry.db.connection import DatabaseNotSecure
from registry.db.migrate import migrate
from registry.errors import Busy
from registry.log.postgres import open_log
from tests.support.servers.databases import Database

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_SECRET = "correct-horse"
_PLAIN = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
Read = Callable[[Mapping[str, str]], Settings]


@dataclass(frozen=True, slots=True)
class Certificates:
    """A CA that has signed the server's certificate for 127.0.0.1 and a client's, and a CA that has not."""

    folder: Path
    ca: trustme.CA

    @classmethod
    def make(cls, folder: Path) -> Certificates:
        """Make them all, as files."""
        ca = trustme.CA()
        ca.cert_pem.write_to_path(str(folder / "ca"))
        trustme.CA().cert_pem.write_to_path(str(folder / "foreign_ca"))
        for name, identity in (("server", "127.0.0.1"), ("client", "keyledger.example")):
            made = ca.issue_cert(identity)
            made.cert_chain_pems[0].write_to_path(str(folder / f"{name}_cert"))
            made.private_key_pem.write_to_path(str(folder / f"{name}_key"))
        return cls(folder, ca)

    def server_context(self, *, ask_client: bool = False) -> ssl.SSLContext:
        """What a TLS server needs."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.folder / "server_cert", self.folder / "server_key")
        if ask_client:
            context.verify_mode = ssl.CERT_REQUIRED
            self.ca.configure_trust(context)
        return context


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, certificates: Certificates) -> Read:
    """Settings of variables named without their prefix; of a `…_FILE`, the name of one of the certificates."""

    def from_variables(values: Mapping[str, str]) -> Settings:
        for name, value in values.items():
            given = str(certificates.folder / value) if name.endswith("_FILE") else value
            monkeypatch.setenv(f"KEYLEDGER_{name}", given)
        return Settings.read()

    return from_variables


@dataclass(slots=True)
class Front:
    """What stands before the real server, with TLS or without; `sessions` says of each whether it was encrypted."""

    database: Database
    context: ssl.SSLContext | None
    sessions: list[bool] = field(default_factory=list)
    client_certificates: list[bool] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until it leaves."""
        self.tasks.add(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, EOFError):
                await self._relay(await self._startup(reader, writer), reader, writer)
        finally:
            writer.close()

    async def _startup(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """The beginning of the first message of the session, after the handshake where there is one."""
        first = await reader.readexactly(8)
        if first != _SSL_REQUEST:
            return first
        writer.write(b"N" if self.context is None else b"S")
        if self.context is not None:
            await writer.start_tls(self.context)
        return await reader.readexactly(8)

    async def _relay(self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tunnel = writer.get_extra_info("ssl_object")
        self.sessions.append(tunnel is not None)
        self.client_certificates.append(tunnel is not None and bool(tunnel.getpeercert()))
        url = make_url(self.database.app_url)
        from_server, to_server = await asyncio.open_connection(url.host, url.port)
        to_server.write(first)
        await asyncio.gather(_pipe(reader, to_server), _pipe(from_server, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with suppress(OSError):
            while received := await reader.read(65_536):
                writer.write(received)
                await writer.drain()
    finally:
        writer.close()


@asynccontextmanager
async def fronted(
    database: Database, context: ssl.SSLContext | None, host: str = "127.0.0.1"
) -> AsyncIterator[tuple[Front, Database]]:
    """The front, and the database by URLs that lead through it."""
    front = Front(database, context)
    server = await asyncio.start_server(front.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    urls = (make_url(url).set(host=host, port=port) for url in (database.owner_url, database.app_url))
    try:
        yield front, Database(*(url.render_as_string(hide_password=False) for url in urls))
    finally:
        server.close()
        for task in front.tasks:
            task.cancel()
        await asyncio.gather(*front.tasks, return_exceptions=True)


async def ask(settings: Settings, database: Database) -> None:
    """Connect and ask something."""
    engine = database_engine(settings, database.app_url)
    try:
        async with engine.connect() as connection:
            assert await connection.scalar(text("SELECT 1")) == 1
    finally:
        await engine.dispose()


@pytest.mark.parametrize(
    ("values", "encrypted"),
    [
        ({"DATABASE_SSL": "disable"}, False),
        ({}, True),
        ({"DATABASE_SSL": "require"}, True),
        ({"DATABASE_SSL": "verify-ca", "DATABASE_CA_FILE": "ca"}, True),
        ({"DATABASE_SSL": "verify-full", "DATABASE_CA_FILE": "ca"}, True),
    ],
)
async def test_postgresql_is_reached_as_the_mode_says(
    database: Database, certificates: Certificates, read: Read, values: Mapping[str, str], encrypted: bool
) -> None:
    async with fronted(database, certificates.server_context()) as (front, reached):
        await ask(read(values), reached)
    assert front.sessions == [encrypted]


@pytest.mark.parametrize(
    "mode", [{"DATABASE_SSL": "require"}, {"DATABASE_SSL": "verify-full", "DATABASE_CA_FILE": "ca"}]
)
async def test_postgresql_is_shown_our_certificate(
    database: Database, certificates: Certificates, read: Read, mode: Mapping[str, str]
) -> None:
    files = {"DATABASE_CERT_FILE": "client_cert", "DATABASE_KEY_FILE": "client_key"}
    async with fronted(database, certificates.server_context(ask_client=True)) as (front, reached):
        await ask(read({**mode, **files}), reached)
    assert front.client_certificates == [True]


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
@pytest.mark.parametrize("ca", [{"DATABASE_CA_FILE": "foreign_ca"}, {}])
async def test_a_database_that_no_ca_of_ours_has_signed_is_refused_in_words_and_told_nothing(
    database: Database, certificates: Certificates, read: Read, mode: str, ca: Mapping[str, str]
) -> None:
    """Also without a CA file, when it is not one of the system's."""
    async with fronted(database, certificates.server_context()) as (front, reached):
        engine = database_engine(read({"DATABASE_SSL": mode, **ca}), reached.app_url)
        with pytest.raises(DatabaseNotSecure, match=r"not trusted \(.*\).*KEYLEDGER_DATABASE_CA_FILE"):
            await open_log(engine)
        await engine.dispose()
    assert front.sessions == []


async def test_the_name_of_the_host_is_looked_at_by_verify_full_alone(
    database: Database, certificates: Certificates, read: Read
) -> None:
    """The certificate is for 127.0.0.1: whoever has a certificate of the same CA for another name is not it."""
    async with fronted(database, certificates.server_context(), host="localhost") as (front, reached):
        await ask(read({"DATABASE_SSL": "verify-ca", "DATABASE_CA_FILE": "ca"}), reached)
        with pytest.raises(DatabaseNotSecure, match="check the host"):
            await ask(read({"DATABASE_SSL": "verify-full", "DATABASE_CA_FILE": "ca"}), reached)
    assert front.sessions == [True]


async def test_migrations_go_the_same_way(database: Database, certificates: Certificates, read: Read) -> None:
    async with fronted(database, certificates.server_context()) as (front, reached):
        right = read({"DATABASE_SSL": "verify-full", "DATABASE_CA_FILE": "ca"})
        await migrate(reached.owner_url, reached.app_url, ssl=database_ssl(right))
        wrong = read({"DATABASE_CA_FILE": "foreign_ca"})
        with pytest.raises(DatabaseNotSecure):
            await migrate(reached.owner_url, reached.app_url, ssl=database_ssl(wrong))
    assert front.sessions == [True]


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_a_database_without_tls_is_refused_where_tls_is_demanded(
    database: Database, read: Read, mode: str
) -> None:
    async with fronted(database, None) as (front, reached):
        with pytest.raises(DatabaseNotSecure, match="offers no TLS"):
            await ask(read({"DATABASE_SSL": mode}), reached)
    assert front.sessions == []


@asynccontextmanager
async def not_tls(answer: bytes) -> AsyncIterator[int]:
    """A peer's port that takes a client's hello and then answers so, or nothing, and leaves."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            if await reader.read(65_536) == _SSL_REQUEST:
                writer.write(b"S")
                await reader.read(65_536)
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("answer", [_PLAIN, b""])
async def test_a_handshake_with_postgresql_that_fails_is_a_database_that_is_away(read: Read, answer: bytes) -> None:
    async with not_tls(answer) as port:
        url = f"postgresql+asyncpg://app:{_SECRET}@127.0.0.1:{port}/keyledger"
        engine = database_engine(read({"DATABASE_SSL": "require"}), url)
        with pytest.raises(Busy) as caught:
            await open_log(engine)
        await engine.dispose()
    assert _SECRET not in str(caught.value)
    assert ("the TLS handshake failed (WRONG_VERSION_NUMBER)" in str(caught.value)) is bool(answer)


@pytest.mark.parametrize("answer", [_PLAIN, b""])
async def test_a_handshake_with_a_broker_that_fails_is_a_broker_that_is_away(read: Read, answer: bytes) -> None:
    async with not_tls(answer) as port:
        producer = AIOKafkaProducer(**kafka_options(read(kafka(port, "ca"))))
        with pytest.raises(KafkaConnectionError):
            await producer.start()
        await producer.stop()


async def test_a_database_without_tls_is_reached_by_default(database: Database, read: Read) -> None:
    async with fronted(database, None) as (front, reached):
        await ask(read({}), reached)
    assert front.sessions == [False]


@dataclass(slots=True)
class Listener:
    """A TLS server that keeps what it was sent in the clear of the tunnel, and answers nothing."""

    port: int = 0
    heard: list[bytes] = field(default_factory=list)
    client_certificates: list[bool] = field(default_factory=list)

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Only called after a handshake."""
        self.client_certificates.append(bool(writer.get_extra_info("ssl_object").getpeercert()))
        self.heard.append(await reader.read(65_536))
        writer.close()


@asynccontextmanager
async def listening(context: ssl.SSLContext) -> AsyncIterator[Listener]:
    """The server, on loopback."""
    listener = Listener()
    server = await asyncio.start_server(listener.hear, "127.0.0.1", 0, ssl=context)
    listener.port = server.sockets[0].getsockname()[1]
    try:
        yield listener
    finally:
        server.close()


async def test_clickhouse_gets_the_login_where_our_ca_has_signed(read: Read, certificates: Certificates) -> None:
    """No ClickHouse server stands here: what is shown is the way to one."""
    async with listening(certificates.server_context()) as listener:
        url = f"https://app:{_SECRET}@127.0.0.1:{listener.port}"
        settings = read({"CLICKHOUSE_URL": url, "CLICKHOUSE_CA_FILE": "ca"})
        client = clickhouse_client(settings, url)
        with pytest.raises(ClickHouseUnavailable):  # as nobody answers
            await client.query("SELECT 1")
        await client.close()
    assert b"\r\nAuthorization: Basic " in listener.heard[0]


@pytest.mark.parametrize("ca", [{"CLICKHOUSE_CA_FILE": "foreign_ca"}, {}])
async def test_a_clickhouse_that_no_ca_of_ours_has_signed_is_sent_nothing(
    read: Read, certificates: Certificates, ca: Mapping[str, str]
) -> None:
    async with listening(certificates.server_context()) as listener:
        url = f"https://app:{_SECRET}@127.0.0.1:{listener.port}"
        client = clickhouse_client(read({"CLICKHOUSE_URL": url, **ca}), url)
        with pytest.raises(ClickHouseError) as caught:
            await client.query("SELECT 1")
        await client.close()
    assert listener.heard == []
    assert _SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("login", "header"), [("app", b"X-ClickHouse-SSL-Certificate-Auth: on"), ("app:pw", b"Basic ")]
)
async def test_our_certificate_is_the_login_at_clickhouse_unless_there_is_a_password(
    read: Read, certificates: Certificates, login: str, header: bytes
) -> None:
    files = {"CLICKHOUSE_CA_FILE": "ca", "CLICKHOUSE_CERT_FILE": "client_cert", "CLICKHOUSE_KEY_FILE": "client_key"}
    async with listening(certificates.server_context(ask_client=True)) as listener:
        url = f"https://{login}@127.0.0.1:{listener.port}"
        client = clickhouse_client(read({"CLICKHOUSE_URL": url} | files), url)
        with pytest.raises(ClickHouseUnavailable):
            await client.query("SELECT 1")
        await client.close()
    assert listener.client_certificates[0]
    assert header in listener.heard[0]


def kafka(port: int, ca: str) -> dict[str, str]:
    """Variables of a broker with a login."""
    return {
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{port}",
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_USERNAME": "app",
        "KAFKA_SASL_PASSWORD": _SECRET,
        "KAFKA_CA_FILE": ca,
    }


@pytest.mark.parametrize("client", [AIOKafkaProducer, AIOKafkaConsumer, AIOKafkaAdminClient])
@pytest.mark.parametrize(("ca", "trusted"), [("ca", True), ("foreign_ca", False)])
async def test_a_broker_is_sent_something_only_where_our_ca_has_signed(
    read: Read,
    certificates: Certificates,
    client: type[AIOKafkaProducer | AIOKafkaConsumer | AIOKafkaAdminClient],
    ca: str,
    trusted: bool,
) -> None:
    """The options are those of each of the three clients."""
    async with listening(certificates.server_context()) as listener:
        made = client(**kafka_options(read(kafka(listener.port, ca))))
        with pytest.raises(KafkaConnectionError) as caught:
            await made.start()
        await (made.close() if isinstance(made, AIOKafkaAdminClient) else made.stop())
    assert bool(listener.heard) is trusted
    assert _SECRET.encode() not in b"".join(listener.heard)
    assert _SECRET not in str(caught.value)
