"""The units of systemd start commands that exist, as a user with few rights, and come back by themselves."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path

import pytest

from keyledger.settings import Settings
from tests.support.compose_file import parsed
from tests.support.documents import ROOT

UNITS = sorted(ROOT.glob("deploy/systemd/*.service"))
PROGRAM = "/opt/keyledger/bin/keyledger"
PAGE = (ROOT / "docs/operate.md").read_text(encoding="utf-8")

every_unit = pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)


def unit_at(path: Path) -> RawConfigParser:
    """A unit, its names as they are written. A name that stands twice in a section is an error."""
    unit = RawConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # names of systemd have capitals
    unit.read_string(path.read_text(encoding="utf-8"))
    return unit


def test_there_is_a_unit_for_each_part() -> None:
    commands = {parsed(shlex.split(unit_at(path)["Service"]["ExecStart"])[1:])[0] for path in UNITS}
    assert commands == {
        ("serve",),
        ("publish",),
        ("project", "clickhouse"),
        ("project", "usage"),
        ("project", "gateway"),
    }
    assert len(UNITS) == len(commands)


@every_unit
def test_it_starts_a_command_that_exists_with_options_that_it_takes(path: Path) -> None:
    program, *arguments = shlex.split(unit_at(path)["Service"]["ExecStart"])
    assert program == PROGRAM
    command, options = parsed(arguments)
    assert path.stem == f"keyledger-{'-'.join(command)}"
    assert options["host"] == "127.0.0.1"
    assert options["port"] > 0, "Prometheus must know it"


def test_no_two_listen_on_one_port() -> None:
    ports = [parsed(shlex.split(unit_at(path)["Service"]["ExecStart"])[1:])[1]["port"] for path in UNITS]
    assert len(set(ports)) == len(ports)


@every_unit
def test_it_comes_back_keeps_secrets_in_a_file_of_its_own_and_has_few_rights(path: Path) -> None:
    unit = unit_at(path)
    service = unit["Service"]
    assert service["EnvironmentFile"] == f"/etc/keyledger/{path.stem.removeprefix('keyledger-')}.env"
    assert f"`{path.stem.removeprefix('keyledger-')}.env`" in PAGE
    assert "Environment" not in service, "a unit can be read by everybody"
    assert (service["User"], service["Restart"]) == ("keyledger", "on-failure")
    assert int(service["TimeoutStopSec"]) > 10
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"
    for name, value in (("NoNewPrivileges", "yes"), ("ProtectSystem", "strict"), ("CapabilityBoundingSet", "")):
        assert service[name] == value


def test_serve_may_open_as_many_connections_as_it_takes() -> None:
    limit = int(unit_at(ROOT / "deploy/systemd/keyledger-serve.service")["Service"]["LimitNOFILE"])
    assert limit > 2 * Settings().http_connections_max


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not installed: the tests above read them"
)
@every_unit
def test_systemd_takes_it(path: Path, tmp_path: Path) -> None:
    here = tmp_path / path.name
    program = str(Path(sys.executable).with_name("keyledger"))
    here.write_text(path.read_text(encoding="utf-8").replace(PROGRAM, program), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(here)],  # noqa: S607 - found by `which`
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "Failed to" in done.stderr and "manager" in done.stderr:
        pytest.skip(f"systemd-analyze can't run here: {done.stderr.strip()}")
    assert (done.returncode, done.stderr) == (0, "")
