"""The HTTP side: reads requests, has them executed, and answers with the headers and status codes of a server."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import parse_qsl, urlsplit

from tests.support.clickhouse_http.compression import chosen, decode, encode
from tests.support.clickhouse_http.engine import Answer, Engine
from tests.support.clickhouse_http.errors import ServerError
from tests.support.clickhouse_http.execution import execute
from tests.support.clickhouse_http.faults import Faults, broken
from tests.support.clickhouse_http.requests import request_of
from tests.support.clickhouse_http.users import User, authenticate

_CHUNK = 256 * 1024


class Server(ThreadingHTTPServer):
    """The server, on loopback."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, engine: Engine, users: Mapping[str, User]) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.engine = engine
        self.users = users
        self.faults = Faults()


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    server_version = "ClickHouse"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        """A ping, or a statement that only reads."""
        match urlsplit(self.path).path:
            case "/ping":
                self._plain(200, b"Ok.\n")
            case "/-/held":
                self._server.faults.wait_until_held()
                self._plain(200, b"held\n")
            case _:
                self._answer()

    def do_POST(self) -> None:
        """A statement, or a fault to arm."""
        if urlsplit(self.path).path == "/-/fault":
            url = self._url()
            self._server.faults.arm(url["kind"], url.get("match", ""))
            self._plain(200, b"armed\n")
            return
        self._answer()

    def log_message(self, *_arguments: object) -> None:
        """Nothing: a test that fails has the answer."""

    @property
    def _server(self) -> Server:
        return cast("Server", self.server)

    def _url(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))

    def _answer(self) -> None:
        url = self._url()
        query_id = url.get("query_id") or str(uuid.uuid4())
        try:
            # Read in any case: the next request on this connection begins behind it.
            raw = self._body()
            user = authenticate(self._server.users, self.headers, url)
            body = decode(raw, self.headers.get("Content-Encoding", ""))
            request = request_of(self.command, url, self.headers, body, user)
            fault = self._server.faults.take(request.text)
            if fault == "hold_before":
                self._server.faults.hold()
            answer, format_ = execute(self._server.engine, request)
            if fault == "hold_after":
                self._server.faults.hold()
        except ServerError as error:
            self._refuse(error, query_id)
            return
        headers = {"X-ClickHouse-Query-Id": query_id} | ({"X-ClickHouse-Format": format_} if format_ else {})
        self._send(answer, headers, url, fault)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunks()
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> bytes:
        received = []
        while True:
            line = self.rfile.readline()
            try:
                size = int(line.partition(b";")[0], 16)
            except ValueError as error:
                self.close_connection = True
                raise ServerError(1000, "A chunk has no length: the body broke off (POCO_EXCEPTION)") from error
            received.append(self.rfile.read(size))
            self.rfile.readline()
            if size == 0:
                return b"".join(received)

    def _send(self, answer: Answer, headers: dict[str, str], url: Mapping[str, str], fault: str | None) -> None:
        by_default = "1" if self._server.engine.compresses else "0"
        compresses = url.get("enable_http_compression", by_default) == "1" and answer.data
        encoding = chosen(self.headers.get("Accept-Encoding", "")) if compresses else None
        body = encode(answer.data, encoding)
        headers |= {"Content-Type": "text/plain; charset=UTF-8", "X-ClickHouse-Summary": _summary(answer)}
        if fault is not None:
            damaged = broken(fault, body, answer.data)
            encoded = {"Content-Encoding": encoding} if encoding and fault.startswith("short") else {}
            self._head(200, headers | encoded | damaged.headers)
            self.close_connection = True
            damaged.write(self.wfile)
            return
        if encoding:
            headers["Content-Encoding"] = encoding
        if url.get("wait_end_of_query") == "1" or len(body) < _CHUNK:
            self._head(200, headers | {"Content-Length": str(len(body))})
            self.wfile.write(body)
            return
        self._head(200, headers | {"Transfer-Encoding": "chunked"})
        for start in range(0, len(body), _CHUNK):
            chunk = body[start : start + _CHUNK]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    def _refuse(self, error: ServerError, query_id: str) -> None:
        body = f"{error} (version {self._server.engine.version} (official build))\n".encode()
        headers = {"X-ClickHouse-Exception-Code": str(error.code), "X-ClickHouse-Query-Id": query_id}
        if error.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
        self._plain(error.status, body, headers)

    def _plain(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self._head(
            status,
            {"Content-Type": "text/plain; charset=UTF-8", "Content-Length": str(len(body))} | dict(headers or {}),
        )
        self.wfile.write(body)

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        engine = self._server.engine
        self.send_response(status)
        self.send_header("X-ClickHouse-Server-Display-Name", engine.host_name)
        self.send_header("X-ClickHouse-Timezone", engine.time_zone)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def _summary(answer: Answer) -> str:
    """Texts, as the server has them."""
    return json.dumps(
        {
            "read_rows": str(answer.rows_read),
            "read_bytes": str(answer.bytes_read),
            "written_rows": str(answer.rows_written),
            "elapsed_ns": str(int(answer.elapsed_s * 1e9)),
        }
    )
