"""Requests below /audit that must be refused, each with the status and the field that the answer names."""

from __future__ import annotations

from tests.support.api.cases import KEY, STRANGER, Case

PERIOD = "since=2026-03-01T00:00:00Z&until=2026-04-01T00:00:00Z"
ID = KEY.rpartition("/")[2]
INFERENCE = "/audit/explain/01953a3e-0000-7000-8000-000000000001"
DIFF = "/audit/diff?known_at=1&known_at=2"
READS = (f"/audit/history/{ID}", f"/audit/state/{ID}", "/audit/state", DIFF, INFERENCE)
NOBODYS = "AAAAAAAAAAAA"


def _get(name: str, path: str, field: str | None, status: int = 422, **more: str) -> Case:
    return Case(f"audit: {name}", "GET", path, status, field, **more)  # type: ignore[arg-type]


AUDIT = [
    *(Case(f"audit: {what}, GET {path}", "GET", path, 401, headers={"Authorization": value})
      for path in READS for what, value in (("no token", ""), ("a token of nobody", f"Bearer {STRANGER}"))),
    *(Case(f"audit: {token} for GET {path}", "GET", path, 403, token=token)
      for path in READS for token in ("writer", "billing")),
    *(Case(f"audit: {method} {path}", method, path.partition("?")[0], 405) for path in READS
      for method in ("POST", "DELETE")),
    *(_get(f"an unknown parameter of {path}", f"{path}{'&' if '?' in path else '?'}known_By=1", "known_By")
      for path in READS),
    *(Case(f"audit: a body for {path}", "GET", path, 400, body={}) for path in READS),
    *(_get(f"the {what} of a key with the id {any_id}", f"/audit/{what}/{any_id}", None, 404)
      for what in ("history", "state") for any_id in (NOBODYS, "AAA", "%C3%A9AAAAAAAAAAA", "AAAAAAAAAAA%00")),
    *(_get(f"the history of {any_id}", f"/audit/history/{any_id}", None, 404) for any_id in (
        f"token-{NOBODYS}", "token-", f"token-key-{NOBODYS}", f"key-{NOBODYS}",
    )),
    _get("a history with another list's cursor", f"/audit/history/{ID}?cursor=aGlzdG9yeTox", "cursor"),
    _get("a history with limit 0", f"/audit/history/{ID}?limit=0", "limit"),
    *(_get(f"{path} with {query}", f"{path}?{query}", query.partition("=")[0])
      for path in (f"/audit/state/{ID}", "/audit/state") for query in (
          "at=2026-01-01", "at=1969-12-31T23:59:59Z", "known_at=999999", "known_at=-1", "known_at=head", "known_at=",
      )),
    _get("a key before it was", f"/audit/state/{ID}?at=2020-01-01T00:00:00Z", None, 404),
    _get("a key as known at 0", f"/audit/state/{ID}?known_at=0", None, 404),
    *(_get(f"states with {query}", f"/audit/state?{query}", query.partition("=")[0]) for query in (
        "limit=0", "limit=1001", "cursor=abc", "cursor=", "cursor=%C3%A9", "cursor=" + "x" * 201,
        "cursor=c3RhdGU6MTo5OTk5OTk5OTk5OTk5OTk6YWJjZGVmZ2hpamts",
    )),
    *(_get(f"a diff with {query or 'nothing'}", f"/audit/diff?{query}", field) for query, field in (
        ("", "known_at"), ("known_at=1", "known_at"), ("known_at=1&known_at=2&known_at=3", "known_at"),
        ("known_at=2&known_at=1", "known_at"), ("known_at=1&known_at=999999", "known_at"),
        ("known_at=1&known_at=x", "known_at.1"),
    )),
    *(_get(f"an explanation with {query}", f"{INFERENCE}?{query}", query.partition("=")[0]) for query in (
        "known_at=999999", "wait_for=999999", "known_at=-1", "known_at=", "wait_for=head",
    )),
    *(_get(f"an explanation of {what}", f"/audit/explain/{inference}", "inference_id") for what, inference in (
        ("no UUID", "abc"), ("NUL", "%00"), ("SQL", "'%20OR%201=1"),
    )),
    _get("an explanation of what nobody has", INFERENCE, None, 404),
    *(_get(f"a diff with {query}", f"{DIFF}&{query}", field) for query, field in (
        ("since=2026-03-01T00:00:00Z", "until"), ("until=2026-03-01T00:00:00Z", "since"), ("group_by=a", "since"),
        ("tag=a:b", "since"), ("time_zone=", "since"),
        ("since=2026-03-01T00:00:00Z&until=2026-03-01T00:00:00Z", "until"),
        (f"{PERIOD}&group_by=a:b", "group_by"), (f"{PERIOD}&group_by=a&group_by=a", "group_by"),
        (f"{PERIOD}&tag=x", "tag"), (f"{PERIOD}&time_zone=", "time_zone"),
        (f"{PERIOD}&since=2026-03-01T00:00:00Z", "since"),
    )),
]  # fmt: skip
