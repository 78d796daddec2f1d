"""Fetches what tests run on, before they are run: Apache Kafka's jars, the oldest engine, what makes clients,
proxies, and a Chromium.

All stay in .venv. What can't be had is said and left: the tests that need it skip, or fail where CI=true.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from tests.support.browser.chromium import packages
from tests.support.forward_auth.proxies import programs
from tests.support.generated_clients.tools import python_generator, typescript_tools
from tests.support.servers.broker import VARIABLE
from tests.support.servers.docker import docker_answers
from tests.support.servers.engine_25_8 import python_25_8
from tests.support.servers.environments import CannotInstall
from tests.support.servers.kafka_jars import BrokerFailed, NoBroker, class_archive


def main() -> None:
    """Fetch them; says nothing where all is there."""
    fetched: list[Callable[[], object]] = [python_25_8, python_generator, typescript_tools, programs, packages]
    if not os.environ.get(VARIABLE) and not docker_answers():
        fetched.append(class_archive)
    for fetch in fetched:
        try:
            fetch()
        except (BrokerFailed, NoBroker, CannotInstall) as error:
            sys.stderr.write(f"{error}\n")


if __name__ == "__main__":
    main()
