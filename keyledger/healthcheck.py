"""What a container's health check runs, as the image has no curl: `python -m keyledger.healthcheck PORT`.

Exit code 0 when the command that listens on this port of the machine can do its own work, else 1; what it answered is
printed, for `docker inspect`. Blocks for at most a few seconds.
"""

from __future__ import annotations

import sys
from http.client import HTTPConnection, HTTPException

TIMEOUT_S = 5.0


def ready(port: int) -> tuple[bool, str]:
    """Whether /readyz on this port of loopback says so, and what it said."""
    # Not urllib: it would ask a proxy that the environment names.
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.status == 200, answer.read().decode(errors="replace")
    except (OSError, HTTPException) as error:
        return False, str(error) or type(error).__name__
    finally:
        connection.close()


def main(arguments: list[str]) -> int:
    """Print what the port says, and return the exit code."""
    is_ready, words = ready(int(arguments[0]))
    sys.stdout.write(f"{words}\n")
    return 0 if is_ready else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
