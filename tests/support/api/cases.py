"""Requests that must be refused, each with the status and the field that the answer names."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

KEYS = "/admin/api-keys"
KEY = f"{KEYS}/{{active}}"
REVOKED = f"{KEYS}/{{revoked}}"
BILL = "/billing/usage?since=2026-03-01T00:00:00Z&until=2026-04-01T00:00:00Z"
STRANGER = "kl-admin-" + "A" * 12 + "-" + "B" * 48
JSON = {"Content-Type": "application/json"}


@dataclasses.dataclass(frozen=True)
class Case:
    """One request: `body` is sent as JSON, `content` as it is."""

    name: str
    method: str
    path: str
    status: int
    field: str | None = None
    body: Any = None
    content: Any = None
    headers: Mapping[str, str | bytes] = dataclasses.field(default_factory=dict)
    token: str = "admin"

    def request(self) -> dict[str, Any]:
        """What the client is given beside method and path."""
        if self.content is not None:
            return {"content": self.content() if callable(self.content) else self.content, "headers": self.headers}
        if self.body is not None:
            text = json.dumps(self.body, ensure_ascii=True)
            return {"content": text, "headers": {**JSON, **self.headers}}
        return {"headers": self.headers}


def _create(name: str, field: str | None, body: Any, status: int = 422) -> Case:
    return Case(f"create: {name}", "POST", KEYS, status, field, body)


def _edit(name: str, field: str | None, body: Any, *, query: str = "", status: int = 422, **more: Any) -> Case:
    return Case(f"edit: {name}", "PATCH", KEY + query, status, field, body, **more)


def _raw(name: str, content: Any, status: int = 400, field: str | None = None, **headers: str) -> Case:
    return Case(f"body: {name}", "POST", KEYS, status, field, content=content, headers={**JSON, **headers})


def _get(name: str, path: str, field: str | None, status: int = 422, **more: Any) -> Case:
    return Case(f"read: {name}", "GET", path, status, field, **more)


async def _chunked() -> AsyncIterator[bytes]:
    yield b'{"description": "'
    for _ in range(17):
        yield b"x" * 65_536
    yield b'"}'


def _tags(count: int) -> dict[str, str]:
    return {f"t{number}": "v" for number in range(count)}


BODIES = [
    _raw("not JSON", b"{tags}"),
    _raw("empty", b""),
    _raw("cut short", b'{"tags": {'),
    _raw("two values", b"{} {}"),
    _raw("not UTF-8", b'{"description": "\xff"}'),
    _raw("UTF-16", '{"description": "a"}'.encode("utf-16")),
    _raw("a byte order mark", b"\xef\xbb\xbf{}"),
    _raw("a duplicate name", b'{"tags": {}, "tags": {"a": "b"}}', field="tags"),
    _raw("a duplicate name deep inside", b'{"tags": {"a": "b", "a": "c"}}', field="a"),
    _raw("a duplicate name spelt with an escape", b'{"tags": {"a": "b", "\\u0061": "c"}}'),
    _raw("a lone surrogate as value", b'{"description": "\\ud800"}', field="description"),
    _raw("a lone surrogate deep inside", b'{"tags": {"a": "b", "c": "x\\udfffy"}}', field="tags.c"),
    _raw("a lone surrogate in an array", b'{"tags": ["a", {"b": ["\\ud800"]}]}', field="tags.1.b.0"),
    _raw("a lone surrogate as name", b'{"tags": {"\\udc00": "a"}}', field="tags.\\udc00"),
    _raw("a lone surrogate alone", b'"\\ud800"', field="body"),
    _raw("a lone surrogate under 900 arrays", b"[" * 900 + b'"\\ud800"' + b"]" * 900),
    _raw("gzip", b"{}", 415, "Content-Encoding", **{"Content-Encoding": "gzip"}),
    _raw("two codings", b"{}", 415, "Content-Encoding", **{"Content-Encoding": "identity, BR"}),
    _raw("a coding that is none", b"{}", 415, "Content-Encoding", **{"Content-Encoding": "{active}"}),
    _raw("NaN", b'{"tags": {"a": NaN}}'),
    _raw("Infinity", b'{"tags": -Infinity}'),
    _raw("a number of 5,000 digits", b'{"tags": ' + b"9" * 5000 + b"}"),
    _raw("100,000 open brackets", b"[" * 100_000),
    _raw("100,000 nested arrays", b"[" * 100_000 + b"]" * 100_000),
    _raw("100,000 nested objects", b'{"tags":' * 100_000 + b"1" + b"}" * 100_000),
    _raw("500 nested arrays", b'{"tags":' + b"[" * 500 + b"]" * 500 + b"}", 422),
    _raw("over 1 MiB", b'{"description": "' + b"x" * (1 << 20) + b'"}', 413),
    _raw("over 1 MiB in chunks", _chunked, 413),
    Case("body: no media type", "POST", KEYS, 415, content=b"{}"),
    Case("body: text", "POST", KEYS, 415, content=b"{}", headers={"Content-Type": "text/plain"}),
    Case("body: a form", "POST", KEYS, 415, content=b"a=b",
         headers={"Content-Type": "application/x-www-form-urlencoded"}),
    Case("body: merge patch where none is taken", "POST", KEYS, 415, content=b"{}",
         headers={"Content-Type": "application/merge-patch+json"}),
    Case("body: JSON patch", "PATCH", KEY, 415, content=b"[]", headers={"Content-Type": "application/json-patch+json"}),
    Case("body: a coding for DELETE", "DELETE", KEY, 415, "Content-Encoding", headers={"Content-Encoding": "gzip"}),
    Case("body: one for GET", "GET", KEYS, 400, body={}),
    Case("body: one for DELETE", "DELETE", KEY, 400, body={"reason": "x"}),
    Case("body: one for GET, in chunks", "GET", KEYS, 400, content=_chunked),
]  # fmt: skip

CREATES = [
    _create("an array", "body", []),
    _create("a string", "body", "x"),
    _raw("null", b"null", 422),
    _create("an unknown member", "colour", {"colour": "red"}),
    _create("a misspelt member", "tag", {"tag": {"a": "b"}}),
    _create("tags as array", "tags", {"tags": ["a"]}),
    _create("tags null", "tags", {"tags": None}),
    _create("a tag of a number", "tags.a", {"tags": {"a": 1}}),
    _create("a tag of true", "tags.a", {"tags": {"a": True}}),
    _create("a tag of null", "tags.a", {"tags": {"a": None}}),
    _create("a tag of an object", "tags.a", {"tags": {"a": {}}}),
    _create("65 tags", "tags", {"tags": _tags(65)}),
    _create("a tag without a name", "tags.", {"tags": {"": "a"}}),
    _create("a tag without a value", "tags.a", {"tags": {"a": ""}}),
    _create("a name of 129 bytes", "tags." + "é" * 64 + "a", {"tags": {"é" * 64 + "a": "v"}}),
    _create("a value of 257 bytes", "tags.a", {"tags": {"a": "é" * 128 + "a"}}),
    _create("a name with a colon", "tags.a:b", {"tags": {"a:b": "v"}}),
    _create("a reserved prefix", "tags.keyledger.x", {"tags": {"keyledger.x": "v"}}),
    *(_create(f"the reserved word {word}", f"tags.{word}", {"tags": {word: "v"}})
      for word in ("model", "provider", "function", "hour", "day", "month")),
    *(_create(f"{what} in a value", "tags.a", {"tags": {"a": f"x{char}y"}}) for what, char in (
        ("NUL", "\0"), ("newline", "\n"), ("tab", "\t"), ("delete", "\x7f"), ("C1 control", "\x85"),
        ("zero width joiner", "\u200d"), ("right-to-left override", "\u202e"), ("line separator", "\u2028"),
        ("byte order mark", "\ufeff"), ("soft hyphen", "\u00ad"),
    )),
    _create("NUL in a name", "tags.x\0y", {"tags": {"x\0y": "v"}}),
    _create("a decomposed value", "tags.a", {"tags": {"a": "e\u0301"}}),
    _create("a decomposed name", "tags.e\u0301", {"tags": {"e\u0301": "v"}}),
    *(_create(f"a blank {where}", "tags.a", {"tags": {"a": value}})
      for where, value in (("before", " v"), ("behind", "v "), ("alone", " "), ("that is not ASCII", "v\u00a0"),
                           ("ideographic", "\u3000v"))),
    _create("a blank before a name", "tags. a", {"tags": {" a": "v"}}),
    _create("a description of a number", "description", {"description": 1}),
    _create("a description of 2,001 characters", "description", {"description": "x" * 2001}),
    _create("NUL in the description", "description", {"description": "a\0b"}),
    _create("a carriage return in the description", "description", {"description": "a\rb"}),
    _create("an escape in the description", "description", {"description": "\x1b[31m"}),
    _create("an organization of null", "organization", {"organization": None}),
    _create("an empty organization", "organization", {"organization": ""}),
    _create("a newline in the workspace", "workspace", {"workspace": "a\nb"}),
    _create("a workspace of 201 characters", "workspace", {"workspace": "x" * 201}),
    *(_create(f"an expiration {what}", "expiration", {"expiration": value}) for what, value in (
        ("in the past", "2020-01-01T00:00:00Z"), ("before 1970", "1969-12-31T23:59:59Z"),
        ("without an offset", "2099-01-01T00:00:00"), ("of a date alone", "2099-01-01"),
        ("with a blank", "2099-01-01 00:00:00Z"), ("of no real date", "2099-02-30T00:00:00Z"),
        ("of second 60", "2099-12-31T23:59:60Z"), ("past the year 9999", "9999-12-31T23:59:59-01:00"),
        ("of a number", 4102444800), ("that is empty", ""), ("in Arabic digits", "٢٠٩٩-01-01T00:00:00Z"),
        ("with a newline behind", "2099-01-01T00:00:00Z\n"),
        ("with an offset of 24 hours", "2099-01-01T00:00:00+24:00"),
    )),
    _create("several faults at once", "tags.b", {"tags": {"a": 1, "b": ""}, "description": 1}),
    Case("create: an unknown query parameter", "POST", f"{KEYS}?dry_run=true", 422, "dry_run", {}),
]  # fmt: skip

PAST = "2026-01-01T00:00:00Z"
EDITS = [
    _edit("65 tags in all", "tags", {"tags": _tags(64)}),
    _edit("257 tags in one patch", "tags", {"tags": dict.fromkeys(_tags(257))}),
    _edit("an unknown member", "organization", {"organization": "x"}),
    _edit("tags null", "tags", {"tags": None}),
    _edit("a reserved name, to remove it", "tags.model", {"tags": {"model": None}}),
    _edit("an expiration in the past", "expiration", {"expiration": PAST}),
    _edit("effective_at without tags", "effective_at", {"description": "x"}, query=f"?effective_at={PAST}&reason=x"),
    _edit("effective_at with a description too", "effective_at", {"tags": {"a": "b"}, "description": "x"},
          query=f"?effective_at={PAST}&reason=x"),
    _edit("effective_at before the creation", "effective_at", {"tags": {"a": "b"}},
          query=f"?effective_at={PAST}&reason=x"),
    _edit("effective_at in the future", "effective_at", {"tags": {"a": "b"}},
          query="?effective_at=2099-01-01T00:00:00Z"),
    _edit("effective_at without an offset", "effective_at", {"tags": {"a": "b"}},
          query="?effective_at=2026-01-01T00:00:00"),
    _edit("effective_at with a bare plus", "effective_at", {"tags": {"a": "b"}},
          query="?effective_at=2026-01-01T00:00:00+01:00"),
    _edit("an unknown query parameter", "reasons", {"tags": {"a": "b"}}, query="?reasons=x"),
    _edit("a reason twice", "reason", {"tags": {"a": "b"}}, query="?reason=x&reason=y"),
    _edit("NUL in the reason", "reason", {"tags": {"a": "b"}}, query="?reason=a%00b"),
    _edit("a reason of 2,001 characters", "reason", {"tags": {"a": "b"}}, query="?reason=" + "x" * 2001),
    _edit("a reason that is not UTF-8", "reason", {"tags": {"a": "b"}}, query="?reason=%ff", status=400),
    Case("edit: a revoked key's tags", "PATCH", REVOKED, 409, None, {"tags": {"a": "b"}}),
    Case("edit: a revoked key's expiration", "PATCH", REVOKED, 409, None, {"expiration": "2099-01-01T00:00:00Z"}),
    Case("edit: a revoked key's expiration to none", "PATCH", REVOKED, 409, None, {"expiration": None}),
    Case("revoke: an unknown query parameter", "DELETE", f"{KEY}?because=x", 422, "because"),
    Case("revoke: a control character in the reason", "DELETE", f"{KEY}?reason=%1b", 422, "reason"),
]  # fmt: skip

READS = [
    *(_get(f"a key with the id {what}", f"{KEYS}/{any_id}", None, 404) for what, any_id in (
        ("that nobody has", "AAAAAAAAAAAA"), ("too short", "AAA"), ("too long", "A" * 13),
        ("with NUL", "AAAAAAAAAAA%00"),
        ("not ASCII", "%C3%A9AAAAAAAAAAA"), ("in dots", "%2e%2e"),
        ("with a newline", "AAAAAAAAAAA%0a"),
        ("of SQL", "'%20OR%201=1"),
    )),
    Case("edit: an unknown key", "PATCH", f"{KEYS}/AAAAAAAAAAAA", 404, None, {"tags": {"a": "b"}}),
    Case("revoke: an unknown key", "DELETE", f"{KEYS}/AAAAAAAAAAAA", 404),
    _get("an unknown key's history", f"{KEYS}/AAAAAAAAAAAA/history", None, 404),
    _get("an unknown parameter", f"{KEY}?known_By=1", "known_By"),
    _get("an instant without an offset", f"{KEY}?at=2026-01-01T00:00:00", "at"),
    _get("a key before it was", f"{KEY}?at={PAST}", None, 404),
    _get("known at position 0", f"{KEY}?known_at=0", None, 404),
    *(_get(f"known at {what}", f"{KEY}?known_at={value}", "known_at") for what, value in (
        ("beyond the head", "999999"), ("minus one", "-1"), ("a word", "now"), ("a fraction", "1.0"), ("nothing", ""),
        ("2^64", "18446744073709551616"), ("Arabic digits", "%D9%A1"), ("a plus", "%2B1"), ("a blank", "%201"),
        ("1e3", "1e3"),
    )),
    *(_get(f"a list with {what}", f"{KEYS}?{query}", field) for what, query, field in (
        ("an unknown status", "status=live", "status"), ("an empty status", "status=", "status"),
        ("limit 0", "limit=0", "limit"), ("limit 1001", "limit=1001", "limit"),
        ("limit twice", "limit=1&limit=2", "limit"),
        ("a tag without a colon", "tag=acme", "tag"), ("a tag of a reserved name", "tag=model:x", "tag"),
        ("a tag without a value", "tag=a:", "tag"), ("NUL in a tag", "tag=a:%00", "tag"),
        ("a decomposed tag", "tag=a:e%CC%81", "tag"),
        ("65 tags", "&".join(f"tag=a{number}:v" for number in range(65)), "tag"),
        ("an unknown filter", "customer_id=acme", "customer_id"), ("a made-up cursor", "cursor=abc", "cursor"),
        ("an empty cursor", "cursor=", "cursor"), ("a cursor of another list", "cursor=aGlzdG9yeTox", "cursor"),
        ("a cursor not in ASCII", "cursor=%C3%A9", "cursor"), ("a cursor too long", "cursor=" + "x" * 201, "cursor"),
        ("a cursor with a sign", "cursor=a2V5czotMQ", "cursor"),
    )),
    _get("a list with 1,001 parameters", f"{KEYS}?" + "&".join("tag=a:b" for _ in range(1001)), None, 400),
    _get("a list with a parameter that is not UTF-8", f"{KEYS}?tag=a:%ff", "tag", 400),
    _get("a key with an id that is not UTF-8", f"{KEYS}/%ffAAAAAAAAAAA", "path", 400),
    _get("a history with a list's cursor", f"{KEY}/history?cursor=a2V5czox", "cursor"),
    _get("a history with limit 0", f"{KEY}/history?limit=0", "limit"),
    *(_get(f"a bill with {what}", f"{BILL}&{query}", field) for what, query, field in (
        ("a misspelt known_at", "known_By=1", "known_By"), ("known_at beyond the head", "known_at=999999", "known_at"),
        ("known_at of a word", "known_at=head", "known_at"),
        ("wait_for beyond the head", "wait_for=999999", "wait_for"),
        ("since twice", "since=2026-03-01T00:00:00Z", "since"), ("a group twice", "group_by=a&group_by=a", "group_by"),
        ("a group with a colon", "group_by=a:b", "group_by"), ("a reserved group", "group_by=keyledger.x", "group_by"),
        ("an empty group", "group_by=", "group_by"), ("NUL in a group", "group_by=a%00", "group_by"),
        ("a tag without a colon", "tag=x", "tag"), ("an unknown time zone", "time_zone=Mars/Olympus", "time_zone"),
        ("a time zone of a path", "time_zone=..%2F..%2Fetc%2Fpasswd", "time_zone"),
        ("an empty time zone", "time_zone=", "time_zone"),
    )),
    _get("a bill without since", "/billing/usage?until=2026-04-01T00:00:00Z", "since"),
    _get("a bill that ends before it begins", "/billing/usage?since=2026-04-01T00:00:00Z&until=2026-03-01T00:00:00Z",
          "until"),
    _get("a bill of no time", "/billing/usage?since=2026-04-01T00:00:00Z&until=2026-04-01T00:00:00Z", "until"),
    _get("a bill of times without offsets", "/billing/usage?since=2026-03-01&until=2026-04-01", "since"),
    _get("nothing there", "/admin/nothing", None, 404),
    _get("a slash behind", f"{KEYS}/", None, 404),
    _get("what a key has not", f"{KEY}/secret", None, 404),
]  # fmt: skip

REQUESTS = [
    *(Case(f"request: {method} of {path}", method, path, 405) for method, path in (
        ("PUT", KEYS), ("DELETE", KEYS), ("PATCH", KEYS), ("POST", KEY), ("PUT", KEY), ("OPTIONS", KEY),
        ("TRACE", KEYS),
        ("BREW", KEYS), ("POST", "/billing/usage"), ("DELETE", "/healthz"), ("POST", "/openapi.json"),
    )),
    *(Case(f"request: {header} with {method} {path}", method, path, 400, None, body, headers={header: "x"})
      for header in ("Idempotency-Key", "If-Match")
      for method, path, body in (("GET", KEYS, None), ("GET", BILL, None), ("PUT", "/admin/prices/x", {}),
                                 ("GET", "/audit/diff", None))),
    Case("request: If-Match of a creation", "POST", KEYS, 400, None, {}, headers={"If-Match": '"1"'}),
    Case("request: If-Match of a price", "DELETE", "/admin/prices/x", 400, headers={"If-Match": '"1"'}),
    *(Case(f"request: {header} of {value!r}", method, KEY, 400, None, body, headers={header: value})
      for header, method, body in (("If-Match", "PATCH", {"description": "x"}), ("If-None-Match", "GET", None))
      for value in ("3", "W/3", '"3', '"3" "4"', '"3",', '*, "3"', "")),
    *(Case(f"request: If-Match of {value!r}", "PATCH", KEY, 412, None, {"tags": {}}, headers={"If-Match": value})
      for value in ('"9"', 'W/"1"', '"one"', '"01"', '"9", "10"', '"' + "9" * 30 + '"', '""')),
    Case("request: If-Match of an unknown key", "DELETE", f"{KEYS}/AAAAAAAAAAAA", 404, headers={"If-Match": '"1"'}),
    *(Case(f"request: on behalf of {what}", "POST", KEYS, 422, "Keyledger-On-Behalf-Of", {},
           headers={"Keyledger-On-Behalf-Of": value})
      for what, value in (("nobody", ""), ("201 characters", "x" * 201), ("a tab", "a\tb"))),
    *(Case(f"token: {what}, {method} {path}", method, path, 401, None, body, headers={"Authorization": value})
      for method, path, body in (("POST", KEYS, {}), ("GET", KEYS, None), ("GET", BILL, None),
      ("PATCH", KEY, {"tags": 1}))
      for what, value in (
          ("none", ""), ("not a token", "Bearer x"), ("another scheme", "Basic eDp5"), ("no scheme", STRANGER),
          ("one of nobody", f"Bearer {STRANGER}"), ("not ASCII", "Bearer é".encode()),
      )),
    *(Case(f"token: revoked, {method} {path}", method, path, 401, None, body, token="revoked")
      for method, path, body in (("POST", KEYS, {}), ("GET", KEYS, None), ("DELETE", KEY, None))),
    *(Case(f"token: {token} for {method} {path} {body}", method, path, 403, None, body, token=token)
      for token, method, path, body in (
          ("reader", "POST", KEYS, {}), ("reader", "POST", KEYS, {"tags": 1}),
          ("reader", "PATCH", KEY, {"tags": {"a": "b"}}),
          ("reader", "DELETE", KEY, None), ("reader", "GET", BILL, None), ("billing", "GET", KEYS, None),
          ("billing", "GET", KEY, None), ("billing", "GET", f"{KEY}/history", None), ("writer", "GET", BILL, None),
      )),
]  # fmt: skip

ALL = [*BODIES, *CREATES, *EDITS, *READS, *REQUESTS]
