"""The bill, on the engine in process."""

from tests.support.contracts.bill_contract import *  # noqa: F403 - the suite
