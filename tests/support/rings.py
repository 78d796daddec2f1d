"""At the end of a run with --durations: the time of each ring of tests against its budget.

The times are sums over all workers, so together the rings may take the target of `make test` once for each core. A run
over budget is a warning: other programs on the machine slow it, too.
"""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

TARGET_S = 8 * 60
CORES = 2
BUDGETS_S = {"unit": 30, "contract": 20, "integration": 570, "acceptance": 340}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print them."""
    if not terminalreporter.config.getoption("durations"):
        return
    spent, tests = _sums(terminalreporter)
    if not spent:
        return
    terminalreporter.section("time by ring, all workers together")
    for ring, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        terminalreporter.write_line(line_of(ring, tests[ring], seconds))


def line_of(ring: str, tests: int, seconds: float) -> str:
    """What is printed of one ring."""
    budget = BUDGETS_S.get(ring)
    if budget is None:
        return f"{ring:12}{tests:6} tests {seconds:7.1f} s"
    warning = "  OVER BUDGET" if seconds > budget else ""
    return f"{ring:12}{tests:6} tests {seconds:7.1f} s of {budget} s{warning}"


def ring_of(nodeid: str) -> str:
    """The folder below `tests` that a test is in."""
    return nodeid.split("/")[1] if nodeid.startswith("tests/") else "elsewhere"


def _sums(terminalreporter: pytest.TerminalReporter) -> tuple[dict[str, float], Counter[str]]:
    spent: dict[str, float] = defaultdict(float)
    tests: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                spent[ring_of(report.nodeid)] += report.duration
                tests[ring_of(report.nodeid)] += report.when == "call"
    return spent, tests
