"""What a process logged of what went wrong."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

_LINE = re.compile(r"\S+ \S+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) ([\w.]+): (.*)")


def assert_quiet(log: Path, most: int = 2) -> Counter[str]:
    """No trace, nothing but lines of a log, and at most `most` equal failures a minute; how many there are of each."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    assert not [line for line in lines if _LINE.fullmatch(line) is None], "a trace, or what a library printed"
    matches = [match for line in lines if (match := _LINE.fullmatch(line)) and match[1] in {"WARNING", "ERROR"}]
    found = Counter(f"{match[2]}: {re.sub(r'[0-9.]+', 'N', match[3])}" for match in matches)
    assert all(count <= most for count in found.values()), found
    return found
