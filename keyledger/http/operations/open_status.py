"""The status as callers of the API may read it: what is wrong, without hosts, users and the words of servers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from keyledger.http.answer.encode import encode
from keyledger.runtime.status import Status

_SEE: Final = "see `keyledger status`"
_PLACES: Final = ("host", "pid", "instance")


def open_status(status: Status) -> dict[str, Any]:
    """The members of `keyledger status --json`, but for what tells a stranger how the installation is built."""
    shown: dict[str, Any] = encode(
        replace(status, alarms=tuple(replace(one, detail=one.public) for one in status.alarms))
    )
    failing = [
        *shown["webhooks"],
        *shown["publishers"],
        *shown["projectors"],
        shown["verified"],
        shown["gateway_count"],
        shown["collector"],
    ]
    for one in failing:
        if one is not None and one["failure"]:
            one["failure"] = _SEE
    shown["parts"] = [{name: one[name] for name in one if name not in _PLACES} for one in shown["parts"]]
    return shown
