"""Bills by local time in the embedded engine."""

from tests.support.contracts.bill_times_contract import *  # noqa: F403 - the suite
