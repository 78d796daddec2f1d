"""The image holds our packages and what the locks name, runs as nobody special, and is built from files that exist."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

from keyledger.settings import PREFIX
from tests.support.compose_file import ROOT, copied, let_through, parsed, stages

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
STAGES = stages()
BUILDER, LAST = STAGES[0], STAGES[-1]


def lock(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """The packages of a lock: version and marker, and hashes."""
    text = (ROOT / name).read_text(encoding="utf-8")
    found = {}
    for entry in re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^ *#.*\n?", "", text)):
        if entry.strip():
            package, _, rest = entry.strip().partition("==")
            found[package] = (rest.partition(" \\")[0], frozenset(re.findall(r"--hash=(sha256:[0-9a-f]{64})", entry)))
    return found


def names(requirements: list[str]) -> set[str]:
    """The names in a list of requirements, as locks write them."""
    return {re.split(r"[^A-Za-z0-9._-]", one)[0].lower().replace("_", "-") for one in requirements}


def test_the_last_stage_is_another_one_on_the_same_pinned_base() -> None:
    assert len(STAGES) == 2
    assert BUILDER.name != LAST.name
    assert BUILDER.base == LAST.base, "the virtual environment would not find its interpreter"
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-[a-z]+@sha256:[0-9a-f]{64}", LAST.base)
    oldest = PROJECT["project"]["requires-python"].removeprefix(">=").split(".")
    assert list(map(int, LAST.base.split(":")[1].split(".")[:2])) >= list(map(int, oldest))


def test_the_last_stage_runs_as_a_user_who_is_not_root() -> None:
    user = LAST.all("USER")[-1]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), "by number, so that a platform can tell"
    assert f"--uid {user.partition(':')[0]} " in LAST.all("RUN")[0]
    after = [word for word, _ in LAST.instructions[[word for word, _ in LAST.instructions].index("USER") :]]
    assert not {"RUN", "COPY"} & set(after)


def test_the_last_stage_gets_the_environment_and_no_tools() -> None:
    assert LAST.all("COPY") == ["--from=builder /opt/keyledger /opt/keyledger"]
    assert not re.search(r"\b(pip|apt|apt-get|gcc|make|curl|wget)\b", " ".join(LAST.all("RUN")))
    assert "venv --without-pip /opt/keyledger" in " ".join(BUILDER.all("RUN"))


def test_what_is_installed_comes_by_hash_as_wheels() -> None:
    installs = re.findall(r"pip (?:--python \S+ )?install [^&]*", " ".join(BUILDER.all("RUN")))
    assert len(installs) == 3
    for install in installs:
        assert "--no-index" in install or "--require-hashes --only-binary :all: -r requirements-" in install


def test_the_environment_is_on_the_path_and_quiet() -> None:
    environment = " ".join(LAST.all("ENV"))
    assert "PATH=/opt/keyledger/bin:$PATH" in environment
    assert "PYTHONDONTWRITEBYTECODE=1" in environment
    assert "PYTHONUNBUFFERED=1" in environment
    assert PREFIX not in environment, "settings come from where it runs"


def test_the_entry_point_is_our_command_and_its_health_check_asks_at_its_port() -> None:
    assert LAST.words("ENTRYPOINT") == ["keyledger"]
    assert "keyledger" in PROJECT["project"]["scripts"]
    path, parameters = parsed(LAST.words("CMD"))
    assert (path, parameters["host"]) == (("serve",), "0.0.0.0")  # noqa: S104 - in the container
    port = str(parameters["port"])
    assert port in LAST.all("EXPOSE")[0].split()
    check = re.fullmatch(r'(?:--\S+ *)+CMD \["python", "-m", "([\w.]+)", "(\d+)"\]', LAST.all("HEALTHCHECK")[0])
    assert check is not None
    assert check[2] == port
    assert importlib.util.find_spec(check[1]) is not None


@pytest.mark.parametrize("path", [path for stage in STAGES for path in copied(stage)])
def test_what_is_copied_exists_and_gets_into_the_context(path: str) -> None:
    assert (ROOT / path).exists()
    assert let_through(path)


def test_every_package_of_the_wheel_is_copied() -> None:
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    needed = {*packages, "pyproject.toml", PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]}
    assert needed <= set(copied(BUILDER))


@pytest.mark.parametrize(
    "path", [".env", ".git/config", ".venv/bin/python", "tests/conftest.py", "keyledger-data/admin-token",
             "deploy/postgres/role.sql", "keyledger/cli/__pycache__/keys.pyc", "requirements.lock"],
)  # fmt: skip
def test_nothing_else_gets_into_the_context(path: str) -> None:
    """What is in it can get into a layer, and stays there."""
    assert not let_through(path)


def test_files_of_packages_that_are_no_modules_get_into_the_context() -> None:
    assert let_through("clickhouse/gateways/tensorzero/tables/ChatInference.sql")
    assert let_through("registry/log/sql/append.sql")
    assert let_through("registry/db/migrations/versions/0001.py")


@pytest.mark.parametrize("name", ["requirements-image.lock", "requirements-build.lock"])
def test_the_image_s_locks_are_out_of_the_lock_that_the_tests_run_on(name: str) -> None:
    whole = lock("requirements.lock")
    for package, (version, hashes) in lock(name).items():
        assert hashes, package
        assert (version, hashes) == whole[package], f"make lock: {package} of {name} is another than the tested one"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-image.lock", "requirements-build.lock"])
def test_no_lock_names_an_index(name: str) -> None:
    assert not re.search(r"://|--(extra-)?index|--find-links", (ROOT / name).read_text(encoding="utf-8"))


def test_the_image_has_what_we_depend_on_and_neither_engines_nor_tools() -> None:
    image = {re.split(r"\[", package)[0] for package in lock("requirements-image.lock")}
    groups = PROJECT["dependency-groups"]
    dependencies = names(PROJECT["project"]["dependencies"])
    assert dependencies <= image
    left_out = names([*PROJECT["project"]["optional-dependencies"]["embedded"], *groups["test"], *groups["lint"],
                      *groups["bench"], *groups["build"]]) - dependencies  # fmt: skip
    assert not left_out & image
    assert names(groups["build"]) <= set(lock("requirements-build.lock"))


def test_make_lock_makes_every_lock() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nlock:")[2].partition("\n\n")[0]
    assert re.findall(r"--output-file (\S+)", recipe) == [
        "requirements.lock",
        "requirements-image.lock",
        "requirements-build.lock",
        "$(ENGINE_25_8).lock",
        "$(GENERATOR)/requirements.lock",
        "$(PROXIES)/requirements.lock",
    ]


def test_a_wheel_holds_every_file_of_our_packages(tmp_path: Path) -> None:
    """Only an editable install reads the SQL, the migrations and the page of the API from the checkout."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    [wheel] = tmp_path.glob("*.whl")
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    found = [path for package in packages for path in (ROOT / package).rglob("*") if path.is_file()]
    files = [path for path in found if "__pycache__" not in path.parts]
    assert {".py", ".sql", ".js", ".css", ".html"} <= {path.suffix for path in files}
    assert {str(path.relative_to(ROOT)) for path in files} <= set(ZipFile(wheel).namelist())
