"""What happens in the stored registry: keys of every kind, over HTTP, and keys that a gateway had before.

Speaks the outside names alone, so that it runs on the commit that made the folder.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import httpx

Key = dict[str, Any]
OLD_KEYS_CREATED = datetime(2026, 3, 20, 12, 0, 0, 123_456, tzinfo=UTC)
OLD_KEYS_UNTIL = OLD_KEYS_CREATED + timedelta(days=20)
# The gateway's own keys: what is particular of each row.
OLD_KEYS: dict[str, dict[str, Any]] = {
    "g4teWayAcme1": {"description": "the gateway's first"},
    "g4teWayGlob1": {"organization": "mühle", "workspace": "büro"},
    "g4teWayOff01": {"disabled_at": OLD_KEYS_CREATED + timedelta(days=9)},
    "g4teWayOver1": {"expires_at": OLD_KEYS_CREATED + timedelta(days=11)},
    "g4teWayNone1": {"description": "in no mapping"},
}
MAPPING = """\
public_id,customer_id,project_id,crème
g4teWayAcme1,acme,chat,
g4teWayGlob1,globex,,brûlée
g4teWayOff01,initech,lab,
g4teWayOver1,umbrella,,
"""


def old_key_rows() -> list[dict[str, Any]]:
    """The rows of the gateway's own keys; nobody knows the secrets behind their hashes."""
    common = {"organization": "default", "workspace": "default", "description": None, "disabled_at": None}
    return [
        {**common, "expires_at": None, "created_at": OLD_KEYS_CREATED, "public_id": public_id, **own}
        | {"hash": sha256(f"secret of {public_id}".encode()).hexdigest()}
        for public_id, own in OLD_KEYS.items()
    ]


class Story:
    """The calls of a portal. `keys` has each key's last answer by the name that the story gives it."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self.keys: dict[str, Key] = {}

    def issue(self) -> None:
        """Make keys with all that a creation takes."""
        soon = datetime.now(UTC) + timedelta(seconds=4)
        for name, body in {
            "plain": {"tags": {"customer_id": "acme", "project_id": "chat", "billing_tier": "gold"}},
            "moving": {"tags": {"customer_id": "acme", "project_id": "search"}, "description": "to be sold"},
            "wrong": {"tags": {"customer_id": "globex", "project_id": "lab"}},
            "ending": {"tags": {"customer_id": "initech"}},
            "unicode": {
                "tags": {"crème": "brûlée", "客户": "東京", "🦊": "naïve ☕"},
                "description": "Zażółć\n\tgęślą",
            },
            "elsewhere": {"tags": {"customer_id": "acme"}, "organization": "mühle", "workspace": "büro"},
            "suspended": {"tags": {"customer_id": "hooli"}},
            "resumed": {"tags": {"customer_id": "hooli", "project_id": "chat"}},
            "rotated": {"tags": {"customer_id": "acme", "project_id": "rotation"}},
            "leaked": {"tags": {"customer_id": "globex", "project_id": "rotation"}},
            "halved": {"tags": {"customer_id": "initech", "project_id": "rotation"}},
            "expiring": {"tags": {"customer_id": "umbrella"}, "expiration": soon.isoformat()},
            "long": {"tags": {"customer_id": "umbrella"}, "expiration": "2099-12-31T23:59:59.999Z"},
            "untagged": {"description": "without tags"},
            "stripped": {"tags": {"customer_id": "acme", "project_id": "chat", "note": "x" * 256}},
        }.items():
            self._call(name, "POST", "", json=body)

    def change(self) -> str:
        """Edit, correct, suspend, rotate and revoke; a new secret of the key `rotated`."""
        self._edit("moving", {"tags": {"customer_id": "globex"}, "description": None}, reason="sold to globex")
        backdated = {"reason": "ticket 4711: wrong customer", "effective_at": self.keys["wrong"]["created_at"]}
        self._edit("wrong", {"tags": {"customer_id": "umbrella"}}, **backdated)
        self._edit("stripped", {"tags": {"project_id": None, "note": None, "billing_tier": "silver"}})
        self._edit("stripped", {"tags": {"customer_id": None}}, reason="nobody's")
        self._edit("unicode", {"tags": {"客户": "大阪"}, "description": "Grüße"}, reason="naïve ☕")
        self._edit("long", {"expiration": None})
        self._edit("elsewhere", {"expiration": "2098-01-01T01:00:00+01:00"})
        for name in ("suspended", "resumed"):
            self._call(name, "POST", "/suspend", json={"reason": "unpaid"})
        self._call("resumed", "POST", "/resume", json={"reason": "paid"})
        self._call("rotated", "POST", "/rotate", json={"overlap_s": 3600})
        api_key: str = self.keys["rotated"]["api_key"]
        self._call("leaked", "POST", "/rotate", json={"compromised": True})
        self._call("halved", "POST", "/rotate", json={"overlap_s": 86400})
        credential = self.keys["halved"]["credentials"][0]["credential_id"]
        self._call("halved", "DELETE", f"/credentials/{credential}", params={"reason": "in a public repository"})
        self._call("ending", "DELETE", "", params={"reason": "contract ended"})
        corrected = {"reason": "after its end", "effective_at": self.keys["ending"]["created_at"]}
        self._edit("ending", {"tags": {"project_id": "late"}}, **corrected)
        return api_key

    def correct_old_keys(self) -> None:
        """Change keys that were imported, as of days long before the import."""
        for days, public_id, tags in (
            (4, "g4teWayAcme1", {"customer_id": "globex"}),
            (8, "g4teWayAcme1", {"customer_id": "acme", "project_id": None}),
            (2, "g4teWayNone1", {"customer_id": "found"}),
            (5, "g4teWayOff01", {"customer_id": "hooli"}),
        ):
            at = (OLD_KEYS_CREATED + timedelta(days=days)).isoformat()
            self._edit(public_id, {"tags": tags}, reason=f"as of day {days}", effective_at=at)
        self._call("g4teWayGlob1", "DELETE", "", params={"reason": "not ours"})

    def _edit(self, name: str, patch: dict[str, Any], **query: str) -> None:
        self._call(name, "PATCH", "", json=patch, params=query)

    def _call(self, name: str, method: str, path: str, **more: Any) -> None:
        known = self.keys.get(name, {"public_id": name} if name in OLD_KEYS else None)
        key = f"/{known['public_id']}" if known else ""
        headers = httpx.Headers({"Keyledger-On-Behalf-Of": f"Zoë of {name}"}, encoding="utf-8")
        answer = self._http.request(method, f"/admin/api-keys{key}{path}", headers=headers, **more)
        assert answer.is_success, answer.text
        self.keys[name] = answer.json()
