"""--month: from local midnight to local midnight, also where the clocks change, and no question that is half one."""

from __future__ import annotations

import pytest

from keyledger.cli.client import CommandFailed
from keyledger.cli.finance.period import period
from registry.instant import parse_instant


@pytest.mark.parametrize(
    ("month", "zone", "since", "until"),
    [
        ("2026-03", "Europe/Berlin", "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00"),
        ("2026-10", "Europe/Berlin", "2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00"),
        ("2026-12", None, "2026-12-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00"),
        ("2026-02", "Asia/Kathmandu", "2026-02-01T00:00:00+05:45", "2026-03-01T00:00:00+05:45"),
    ],
)
def test_a_month_is_from_local_midnight_to_local_midnight(month: str, zone: str | None, since: str, until: str) -> None:
    assert period(None, None, month, zone) == (since, until)
    assert parse_instant(since) < parse_instant(until)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("2026-03-01T00:00:00Z", None, "2026-03", None), "not both"),
        ((None, "2026-03-01T00:00:00Z", "2026-03", None), "not both"),
        ((None, None, None, None), "or --month"),
        (("2026-03-01T00:00:00Z", None, None, None), "or --month"),
        ((None, None, "2026-13", None), "such as 2026-03, not '2026-13'"),
        ((None, None, "2026-3", None), "such as 2026-03"),
        ((None, None, "03/2026", None), "such as 2026-03"),
        ((None, None, "٢٠٢٦-03", None), "such as 2026-03"),
        ((None, None, "9999-12", None), "1970 to 9998"),
        ((None, None, "2026-03", "Berlin"), "--time-zone 'Berlin' is no time zone"),
        ((None, None, "2026-03", "../etc/passwd"), "is no time zone"),
    ],
)
def test_a_period_that_is_mixed_or_malformed_is_refused(given: tuple[str | None, ...], why: str) -> None:
    with pytest.raises(CommandFailed) as refused:
        period(*given)
    assert why in str(refused.value)
    assert refused.value.exit_code == 2
