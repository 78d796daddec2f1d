"""Odd names and values, in process."""

from tests.support.contracts.odd_names_contract import *  # noqa: F403 - the suite
