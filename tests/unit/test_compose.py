"""compose.yaml fits the code: what it says of settings, commands, ports and images is what they are. No engine runs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest

from keyledger.settings import PREFIX, Settings
from tests.support.compose_file import (
    ROOT,
    Service,
    compose,
    dot_env,
    parsed,
    stages,
    variables_of_compose,
)
from tests.support.servers import broker, images

EXAMPLE = dot_env(ROOT / ".env.example")
PASSWORDS = {name for name, value in EXAMPLE.items() if not value}
FILLED = {name: value or f"{number}f00d" for number, (name, value) in enumerate(EXAMPLE.items())}
FILE = compose(FILLED)
SERVICES = {name: Service(name, about) for name, about in FILE["services"].items()}
OURS = [service for service in SERVICES.values() if service.ours]
STORES = {"postgres": images.POSTGRES, "clickhouse": images.CLICKHOUSE, "kafka": images.KAFKA}
# What each command can't do without; `Settings.require` would say so only at the start.
NEEDS = {
    ("serve",): {"database_url", "clickhouse_url"},
    ("publish",): {"database_url", "kafka_bootstrap_servers"},
    ("project", "clickhouse"): {"database_url", "clickhouse_url", "kafka_bootstrap_servers"},
    ("project", "usage"): {"database_url", "clickhouse_url"},
    ("migrate",): {"database_url", "migration_database_url"},
    ("ddl",): {"clickhouse_url"},
}

# What the image's start as root needs: it gives its folders to another user, and becomes that user.
RIGHTS = {
    "postgres": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"],
    "clickhouse": ["CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID"],
}

every_service = pytest.mark.parametrize("service", SERVICES.values(), ids=lambda service: service.name)
every_one_of_ours = pytest.mark.parametrize("service", OURS, ids=lambda service: service.name)
every_server = pytest.mark.parametrize(
    "service", [one for one in SERVICES.values() if not one.once], ids=lambda service: service.name
)


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


def size(text: str) -> int:
    """Bytes of a size such as `10m` or `2g`."""
    return int(text[:-1]) << {"k": 10, "m": 20, "g": 30}[text[-1]]


def settings_of(service: Service, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings that a service starts with. Raises SettingsError, which names an unknown variable too."""
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)
    return Settings.read()


def addresses(service: Service) -> Iterator[tuple[str, Any]]:
    """The hosts that a service reaches, each with the parts of its URL."""
    for name, value in service.environment.items():
        if name.endswith("_URL"):
            yield urlsplit(value).hostname or "", urlsplit(value)
        elif name.endswith("_SERVERS"):
            for one in value.split(","):
                yield one.rpartition(":")[0], urlsplit(f"//{one}")


def waited_for(service: Service) -> set[str]:
    """The services that have started before this one, those that others wait for too."""
    found = set(service.depends_on)
    return found.union(*(waited_for(SERVICES[name]) for name in found))


def test_the_shape_is_the_whole_pipeline() -> None:
    ran = {parsed(service.command)[0] for service in OURS}
    assert ran == set(NEEDS)
    assert set(SERVICES) == {service.name for service in OURS} | set(STORES)


@every_one_of_ours
def test_every_variable_is_a_setting_and_all_together_are_valid(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert all(name.startswith(PREFIX) for name in service.environment)
    settings = settings_of(service, monkeypatch)
    given = {name.removeprefix(PREFIX).lower() for name in service.environment}
    needed = NEEDS[parsed(service.command)[0]]
    settings.require(*needed)
    assert given - needed <= {"log_level", "log_format", "bill_memory_mib", "parts_expected"}, (
        "a process gets what it needs, and no secret more"
    )


def test_the_parts_that_run_are_those_that_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {
        ("serve",): "serve",
        ("publish",): "relay",
        ("project", "clickhouse"): "projector",
        ("project", "usage"): "collector",
    }
    running = {parts[parsed(service.command)[0]] for service in OURS if not service.once}
    expected = settings_of(SERVICES["api"], monkeypatch).parts_expected
    assert set((expected or "").split(",")) == running


def test_the_example_has_every_variable_and_no_password() -> None:
    variables = variables_of_compose()
    assert set(EXAMPLE) == set(variables)
    assert {name for name, must in variables.items() if must} == PASSWORDS
    settings = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    assert {name for name in EXAMPLE if name.startswith(PREFIX)} <= settings


@pytest.mark.parametrize("missing", sorted(PASSWORDS))
def test_a_password_that_is_not_set_stops_everything(missing: str) -> None:
    with pytest.raises(KeyError, match=missing):
        compose(FILLED | {missing: ""})


@every_one_of_ours
def test_every_address_is_a_service_that_is_up_by_then(service: Service) -> None:
    for host, url in addresses(service):
        assert host in waited_for(service), f"{service.name} does not wait for {host}"
        assert set(SERVICES[host].about["networks"]) & set(service.about["networks"])
        assert url.port == {"postgres": 5432, "clickhouse": 8123, "kafka": kafka_port()}[host]


def kafka_port() -> int:
    """The port that the broker tells its clients, which must be one that it listens on."""
    settings = SERVICES["kafka"].environment
    told = urlsplit(settings["KAFKA_ADVERTISED_LISTENERS"])
    assert told.hostname == "kafka"
    assert f"PLAINTEXT://:{told.port}" in settings["KAFKA_LISTENERS"].split(",")
    return told.port or 0


def test_the_logins_are_those_that_the_stores_make() -> None:
    postgres = SERVICES["postgres"].environment
    role = (ROOT / "deploy/postgres/role.sql").read_text(encoding="utf-8")
    users = ET.parse(ROOT / "deploy/clickhouse/users.xml").getroot()  # noqa: S314 - our own file
    passwords = {
        postgres["POSTGRES_USER"]: postgres["POSTGRES_PASSWORD"],
        re.findall(r"CREATE ROLE (\w+) LOGIN PASSWORD :'password'", role)[0]: postgres["APP_PASSWORD"],
        users.findall("users/*")[-1].tag: SERVICES["clickhouse"].environment["APP_PASSWORD"],
    }
    used = {url.username: url.password for service in OURS for _, url in addresses(service) if url.username}
    assert used == passwords
    assert len(set(passwords.values())) == 3
    assert "\\getenv password APP_PASSWORD" in role
    databases_used = {url.path for service in OURS for host, url in addresses(service) if host == "postgres"}
    assert databases_used == {f"/{postgres['POSTGRES_DB']}"}


def test_clickhouse_s_default_user_is_for_dictionaries_alone() -> None:
    """They read as `default` without a password: over the network that would be everybody's login."""
    users = ET.parse(ROOT / "deploy/clickhouse/users.xml").getroot()  # noqa: S314 - our own file
    networks = users.find("users/default/networks")
    assert networks is not None
    assert networks.attrib == {"replace": "replace"}
    assert [one.text for one in networks] == ["::1", "127.0.0.1"]
    assert users.find("users/default/password") is None
    password = users.find("users/keyledger/password")
    assert password is not None
    assert password.attrib["from_env"] in SERVICES["clickhouse"].environment
    assert SERVICES["clickhouse"].environment["CLICKHOUSE_SKIP_USER_SETUP"] == "1"


@every_server
def test_every_server_has_a_health_check_and_comes_back(service: Service) -> None:
    assert service.check[:1] == ["CMD"]
    assert {"interval", "timeout", "retries", "start_period"} <= set(service.about["healthcheck"])
    assert service.about["restart"] == "unless-stopped"
    assert re.fullmatch(r"\d+s", service.about["stop_grace_period"])


@pytest.mark.parametrize("service", [one for one in OURS if not one.once], ids=lambda service: service.name)
def test_a_port_is_one_number_wherever_it_stands(service: Service) -> None:
    parameters = parsed(service.command)[1]
    port = str(parameters["port"])
    assert parameters["host"] == "0.0.0.0"  # noqa: S104 - in the container
    assert service.check == ["CMD", "python", "-m", "keyledger.healthcheck", port]
    assert port in stages()[-1].all("EXPOSE")[0].split()
    if service.name == "api":
        assert service.about["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_health_checks_of_stores_ask_at_their_ports() -> None:
    assert "--host=127.0.0.1" in SERVICES["postgres"].check  # else it passes before role.sql was run
    assert f"--username={SERVICES['postgres'].environment['POSTGRES_USER']}" in SERVICES["postgres"].check
    assert f"--dbname={SERVICES['postgres'].environment['POSTGRES_DB']}" in SERVICES["postgres"].check
    assert "http://127.0.0.1:8123/ping" in SERVICES["clickhouse"].check
    assert f"localhost:{kafka_port()}" in SERVICES["kafka"].check


def test_ports_of_ours_differ_and_nothing_but_the_api_is_published() -> None:
    ports = [parsed(service.command)[1]["port"] for service in OURS if not service.once]
    assert sorted(map(str, ports)) == sorted(stages()[-1].all("EXPOSE")[0].split())
    assert [service.name for service in SERVICES.values() if "ports" in service.about] == ["api"]
    assert [service.name for service in SERVICES.values() if "outside" in service.about["networks"]] == ["api"]
    assert FILE["networks"]["inside"] == {"internal": True}
    assert {name for service in SERVICES.values() for name in service.about["networks"]} == set(FILE["networks"])


def test_images_are_pinned_and_those_of_the_tests() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert {name: SERVICES[name].image for name in STORES} == STORES
    assert {service.image for service in OURS} == {f"keyledger:{version}"}
    assert all(re.search(r":\d+\.\d+[.\d]*$", service.image) for service in OURS)
    # A tag can be moved to another image; the digest is the image.
    assert all(re.search(r":\d+\.\d+[.\d]*@sha256:[0-9a-f]{64}$", image) for image in STORES.values())


def test_our_image_is_built_once_and_never_pulled() -> None:
    """Built for several services at once, the second export of one name fails on a machine that has none yet."""
    assert len([service for service in OURS if "build" in service.about]) == 1
    assert all(service.about["pull_policy"] == "never" for service in OURS)


@every_service
def test_what_is_waited_for_is_there_and_by_the_right_condition(service: Service) -> None:
    for name, condition in service.depends_on.items():
        kind = "service_completed_successfully" if SERVICES[name].once else "service_healthy"
        assert condition == kind, f"{service.name} waits for {name}"


@every_one_of_ours
def test_our_containers_can_do_no_more_than_they_need(service: Service) -> None:
    about = service.about
    assert (about["read_only"], about["tmpfs"]) == (True, ["/tmp"])  # noqa: S108 - in the container
    assert about["init"] is True
    assert not {"user", "volumes", "env_file"} & set(about)


@every_service
def test_no_service_has_a_right_that_its_image_can_start_without(service: Service) -> None:
    assert service.about["cap_drop"] == ["ALL"]
    assert service.about["security_opt"] == ["no-new-privileges:true"]
    assert service.about.get("cap_add", []) == RIGHTS.get(service.name, [])
    assert not {"privileged", "pid", "ipc", "network_mode", "devices", "userns_mode"} & set(service.about)


@every_service
def test_no_service_can_take_the_machine_s_memory_processes_or_disk(service: Service) -> None:
    assert size(service.about["mem_limit"]) <= size("8g")
    assert service.about["pids_limit"] > 0
    assert service.about["logging"]["driver"] == "json-file"
    options = service.about["logging"]["options"]
    assert size(options["max-size"]) * int(options["max-file"]) <= size("50m")


def test_a_bill_that_needs_too_much_memory_is_refused_before_clickhouse_refuses_everything() -> None:
    server = ET.parse(ROOT / "deploy/clickhouse/server.xml").getroot()  # noqa: S314 - our own file
    ratio = float(server.findtext("max_server_memory_usage_to_ram_ratio", "1"))
    assert 0.5 <= ratio <= 0.9, "the rest is for what the server does not count"
    of_server = ratio * size(SERVICES["clickhouse"].about["mem_limit"])
    bill = int(SERVICES["api"].environment["KEYLEDGER_BILL_MEMORY_MIB"]) << 20
    assert bill < of_server
    logs = size(server.findtext("logger/size", "").lower()) * int(server.findtext("logger/count", "0"))
    assert 0 < logs <= size("100m"), "its log files are in the container, which json-file does not bound"
    assert SERVICES["clickhouse"].about["pids_limit"] > 10_000, "its pool of threads fails where they end before it"


def test_every_store_keeps_its_data_in_a_volume_of_its_own() -> None:
    sources = {name: [one[0] for one in SERVICES[name].volumes if not one[0].startswith(".")] for name in STORES}
    assert sources == {name: [name] for name in STORES}
    assert set(FILE["volumes"]) == set(STORES)
    places = {one[0]: one[1] for name in STORES for one in SERVICES[name].volumes}
    assert places["kafka"] == SERVICES["kafka"].environment["KAFKA_LOG_DIRS"]
    assert places["clickhouse"] == "/var/lib/clickhouse"
    # Images before 18 kept it in a folder data/ of this one; from 18 on a volume there stays empty.
    assert places["postgres"] == "/var/lib/postgresql"


def test_mounted_files_exist_and_are_read_only() -> None:
    mounts = [one for service in SERVICES.values() for one in service.volumes if one[0].startswith(".")]
    assert len(mounts) == 3
    for source, _, mode in mounts:
        assert (ROOT / source).is_file()
        assert mode == "ro"


def test_the_broker_is_one_node_that_makes_no_topic_by_itself() -> None:
    settings = SERVICES["kafka"].environment
    known = broker.container_environment(kafka_port())
    assert set(settings) <= set(known), "a name that the tests' broker does not prove"
    alone = [name for name in known if name.endswith(("_REPLICATION_FACTOR", "_MIN_ISR"))]
    assert {settings[name] for name in alone} == {"1"}
    for name in ("KAFKA_PROCESS_ROLES", "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "KAFKA_AUTO_CREATE_TOPICS_ENABLE",
                 "KAFKA_CONTROLLER_QUORUM_VOTERS", "KAFKA_LISTENERS"):  # fmt: skip
        assert settings[name] == known[name]


def with_docker() -> list[str]:
    """The lines of docs/operate.md's section."""
    text = (ROOT / "docs/operate.md").read_text(encoding="utf-8")
    return text.partition("\n## With Docker\n")[2].partition("\n## ")[0].splitlines()


def test_what_the_docs_tell_to_type_is_there() -> None:
    typed = [shlex.split(line, comments=True)[2:] for line in with_docker() if line.startswith("docker compose ")]
    assert {words[0] for words in typed} == {"up", "ps", "exec", "down"}
    for words in typed:
        if words[0] == "exec":
            assert words[1] in SERVICES
            assert words[2] == "keyledger"
            parsed(words[3:])


def test_what_the_docs_tell_of_names_and_ports_is_so() -> None:
    told = " ".join(with_docker())
    assert {f"{FILE['name']}_{volume}" for volume in FILE["volumes"]} <= set(re.findall(r"`(\w+)`", told))
    assert "`keyledger_inside`" in told
    for service in OURS:
        if not service.once:
            assert f"`{service.name}:{parsed(service.command)[1]['port']}`" in told


def test_the_docs_command_makes_every_password_for_its_owner_alone(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    [command] = [line for line in with_docker() if line.startswith("(umask")]
    subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, check=True)
    made = dot_env(tmp_path / ".env")
    assert set(made) == PASSWORDS
    assert all(re.fullmatch(r"[a-z0-9]{40,}", password) for password in made.values())  # a URL takes them as they are
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600


def test_the_plugin_reads_the_file_as_well() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("Docker's compose plugin is not installed: the tests above alone have read the file")
    command, environ = (
        [docker, "compose", "--file", str(ROOT / "compose.yaml"), "config", "-q"],
        {**os.environ, **FILLED},
    )
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
