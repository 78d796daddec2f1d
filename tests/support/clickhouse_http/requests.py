"""A request as it comes over HTTP, made into what is to be executed."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import Message

from tests.support.clickhouse_http.execution import External, Request
from tests.support.clickhouse_http.forms import parts
from tests.support.clickhouse_http.users import User

# What the interface itself takes from the URL; all other parameters are settings.
_OWN = frozenset(
    {
        "query", "database", "default_format", "user", "password", "quota_key", "query_id", "session_id",
        "session_timeout", "session_check", "compress", "decompress", "buffer_size", "wait_end_of_query", "role",
        "client_protocol_version", "enable_http_compression", "send_progress_in_http_headers",
        "http_headers_progress_interval_ms", "http_zlib_compression_level",
        "cancel_http_readonly_queries_on_client_close", "async_insert", "wait_for_async_insert",
    }
)  # fmt: skip


def request_of(method: str, url: Mapping[str, str], headers: Message[str, str], body: bytes, user: User) -> Request:
    """The request; `body` is decoded already."""
    fields, files = parts(headers.get("Content-Type") or "", body)
    params = {**url, **fields}
    text = params.get("query", "").encode()
    if body and not fields and not files:
        # As the server does it: an INSERT in the URL may have its rows in the body.
        text = text + b"\n" + body if text else body
    described = {f"{name}_{what}" for name in files for what in ("structure", "types", "format")}
    return Request(
        text,
        default_format=headers.get("X-ClickHouse-Format") or params.get("default_format", "TabSeparated"),
        parameters={name.removeprefix("param_"): value for name, value in params.items() if name.startswith("param_")},
        settings={
            name: value
            for name, value in params.items()
            if name not in _OWN and name not in described and not name.startswith("param_")
        },
        external=tuple(_external(name, data, params) for name, data in files.items()),
        database=params.get("database") or headers.get("X-ClickHouse-Database"),
        session_id=params.get("session_id"),
        session_check=params.get("session_check") == "1",
        readonly=1 if user.readonly else 2 if method == "GET" else 0,
    )


def _external(name: str, data: bytes, params: Mapping[str, str]) -> External:
    structure = params.get(f"{name}_structure")
    if structure is None:
        types = params.get(f"{name}_types", "").split(",")
        structure = ", ".join(f"_{number} {kind}" for number, kind in enumerate(types, 1))
    return External(name, structure, params.get(f"{name}_format", "TabSeparated"), data)
