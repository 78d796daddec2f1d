"""Requests to stop a key or change its secrets that must be refused, with the status and the field of the answer."""

from __future__ import annotations

from typing import Any

from tests.support.api.cases import KEY, KEYS, REVOKED, STRANGER, Case

NOBODYS = f"{KEYS}/AAAAAAAAAAAA"
BODIES: dict[str, Any] = {"suspend": {}, "resume": {}, "rotate": {"overlap_s": 0}}


def _rotate(name: str, field: str, body: Any) -> Case:
    return Case(f"rotate: {name}", "POST", f"{KEY}/rotate", 422, field, body)


LIFECYCLE = [
    _rotate("neither way", "overlap_s", {}),
    _rotate("both ways", "compromised", {"overlap_s": 0, "compromised": True}),
    *(_rotate(f"overlap_s of {value!r}", "overlap_s", {"overlap_s": value})
      for value in (-1, 7_776_001, 1.5, "60", True, None, [60])),
    *(_rotate(f"compromised of {value!r}", "compromised", {"compromised": value})
      for value in (False, 1, "true", None)),
    _rotate("an unknown member", "reason", {"overlap_s": 0, "reason": "x"}),
    Case("rotate: no body", "POST", f"{KEY}/rotate", 415),
    *(case for what, body in BODIES.items() for case in (
        Case(f"{what}: an unknown key", "POST", f"{NOBODYS}/{what}", 404, None, body),
        Case(f"{what}: a revoked key", "POST", f"{REVOKED}/{what}", 409, None, body),
        Case(f"{what}: an array", "POST", f"{KEY}/{what}", 422, "body", [body]),
        Case(f"{what}: a form", "POST", f"{KEY}/{what}", 415, content=b"a=b",
             headers={"Content-Type": "application/x-www-form-urlencoded"}),
        Case(f"{what}: an unknown query parameter", "POST", f"{KEY}/{what}?force=1", 422, "force", body),
        Case(f"{what}: a blank Idempotency-Key", "POST", f"{KEY}/{what}", 422, "Idempotency-Key", body,
             headers={"Idempotency-Key": " "}),
        Case(f"{what}: an unknown token", "POST", f"{KEY}/{what}", 401, None, body,
             headers={"Authorization": f"Bearer {STRANGER}"}),
        Case(f"{what}: a reader", "POST", f"{KEY}/{what}", 403, None, body, token="reader"),
        Case(f"{what}: GET", "GET", f"{KEY}/{what}", 405),
    )),
    *(case for what in ("suspend", "resume") for case in (
        Case(f"{what}: a reason of a number", "POST", f"{KEY}/{what}", 422, "reason", {"reason": 1}),
        Case(f"{what}: NUL in the reason", "POST", f"{KEY}/{what}", 422, "reason", {"reason": "a\0b"}),
        Case(f"{what}: a reason of 2,001 characters", "POST", f"{KEY}/{what}", 422, "reason", {"reason": "x" * 2001}),
        Case(f"{what}: an unknown member", "POST", f"{KEY}/{what}", 422, "because", {"because": "x"}),
        Case(f"{what}: a body without its type", "POST", f"{KEY}/{what}", 415, content=b"{}"),
    )),
    *(Case(f"wait: {method} {path} for {what}", method, f"{path}?wait_for={what}", 422, "wait_for")
      for what in ("gateway", "kafka", "") for method, path in (
          ("DELETE", KEY), ("DELETE", f"{KEY}/credentials/{{active}}"), ("POST", f"{KEY}/suspend"),
      )),
    Case("wait: a rotation", "POST", f"{KEY}/rotate?wait_for=gateway", 422, "wait_for", {"overlap_s": 0}),
    Case("credential: an unknown one", "DELETE", f"{KEY}/credentials/AAAAAAAAAAAA", 404),
    Case("credential: one of another key", "DELETE", f"{KEY}/credentials/{{revoked}}", 404),
    Case("credential: of an unknown key", "DELETE", f"{NOBODYS}/credentials/AAAAAAAAAAAA", 404),
    Case("credential: no id", "DELETE", f"{KEY}/credentials/'%20OR%201=1", 404),
    Case("credential: of a revoked key", "DELETE", f"{REVOKED}/credentials/{{revoked}}", 409),
    Case("credential: a body", "DELETE", f"{KEY}/credentials/{{active}}", 400, None, {"reason": "x"}),
    Case("credential: NUL in the reason", "DELETE", f"{KEY}/credentials/{{active}}?reason=%00", 422, "reason"),
    Case("credential: a reader", "DELETE", f"{KEY}/credentials/{{active}}", 403, token="reader"),
]  # fmt: skip
