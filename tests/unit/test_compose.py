"""The compose file and the image, as far as they can be checked without a Docker engine."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from tests.support.deploy_files import interpolated

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
DOCKERFILE = (ROOT / "worker" / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("coordinator", "worker")
SECRETS = ("MONGO_ROOT_PASSWORD", "HPSEARCH_PASSWORD")


def test_file_conforms_to_the_compose_specification() -> None:
    """The parser refuses unknown keys and values; merged by hand, since it takes YAML's `<<` for a key."""
    merged = yaml.safe_load(interpolated(TEXT, MONGO_ROOT_PASSWORD="r", HPSEARCH_PASSWORD="h"))

    assert set(PyCompose.from_json(json.dumps(merged)).service_names()) == {"mongo", *OURS}


def test_every_variable_has_a_default_or_a_message() -> None:
    """An unset secret must stop Compose with a sentence; a bare ``$NAME`` would become empty."""
    required = {name for name, _ in re.findall(r"\$\{(\w+):\?([^}]+)\}", TEXT)}

    assert required == set(SECRETS)
    assert "$" not in interpolated(TEXT.replace("$(openssl rand -hex 24)", ""), **dict.fromkeys(SECRETS, "x"))


def test_header_documents_every_variable() -> None:
    header = TEXT.split("\nname:")[0]

    assert [name for name in set(re.findall(r"\$\{(\w+):", TEXT)) if name not in header] == []


@pytest.mark.parametrize("name", OURS)
def test_hpsearch_waits_for_a_writable_database(name: str) -> None:
    assert SERVICES[name]["depends_on"] == {"mongo": {"condition": "service_healthy"}}


def test_mongo_is_healthy_only_as_primary_of_its_set() -> None:
    """Checked as the administrator; the set's name and member are those that the URI speaks of."""
    check = " ".join(SERVICES["mongo"]["healthcheck"]["test"])

    assert 'host: "mongo:27017"' in check
    assert '_id: "hpsearch"' in check
    assert "isWritablePrimary" in check
    for part in ("@mongo:27017/hpsearch?", "replicaSet=hpsearch", "authSource=admin"):
        assert part in SERVICES["worker"]["environment"]["HPSEARCH_STORE"]


def test_mongo_wants_passwords_and_a_key_file() -> None:
    mongo = SERVICES["mongo"]
    start = mongo["command"][0]

    assert "--keyFile /tmp/keyfile" in start
    assert "install -m 400 /dev/stdin /tmp/keyfile" in start
    assert "--replSet hpsearch" in start
    assert set(SECRETS) <= set(re.findall(r"\w+", str(mongo["environment"])))


def test_no_password_is_on_a_command_line() -> None:
    """Command lines are in process lists and in ``docker inspect`` of everybody."""
    for service in SERVICES.values():
        words = f"{service.get('command')} {service.get('entrypoint')} {service.get('healthcheck')}"
        assert "${MONGO_ROOT_PASSWORD" not in words
        assert "${HPSEARCH_PASSWORD" not in words


def test_ports_are_published_on_loopback_alone() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_service_runs_as_root(name: str) -> None:
    assert int(SERVICES[name]["user"].split(":")[0]) > 0
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in SERVICES[name]["security_opt"]


def test_data_outlives_the_container() -> None:
    assert "mongo-data:/data/db" in SERVICES["mongo"]["volumes"]
    assert "mongo-data" in COMPOSE["volumes"]


def test_workers_can_be_scaled() -> None:
    """A fixed name or a published port would allow only one."""
    assert {"container_name", "ports", "hostname"}.isdisjoint(SERVICES["worker"])


def test_worker_drains_before_docker_kills_it() -> None:
    command = SERVICES["worker"]["command"]
    drain_s = int(command[command.index("--drain-timeout") + 1].rstrip("s"))

    assert drain_s < int(SERVICES["worker"]["stop_grace_period"].rstrip("s"))


def test_mounted_files_exist() -> None:
    folder = interpolated(SERVICES["worker"]["volumes"][0], HPSEARCH_CODE="").split(":")[0]
    target = interpolated(SERVICES["coordinator"]["command"][1])

    assert (ROOT / folder / target).is_file()


def test_image_has_one_unprivileged_user() -> None:
    """Compose names the user that the image creates."""
    users = re.findall(r"^USER (\S+)", DOCKERFILE, flags=re.MULTILINE)

    assert users == [SERVICES["worker"]["user"]]
    assert f"--uid {users[0].split(':')[0]}" in DOCKERFILE


def test_build_context_holds_what_the_build_needs() -> None:
    """Everything copied exists and is not ignored, and the build misses nothing."""
    copied = {
        name
        for names in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, flags=re.MULTILINE)
        for name in names.split()
    }
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    needed = {project["project"]["readme"], *project["project"]["license-files"], "pyproject.toml"}
    needed |= {package.split("/")[0] for package in packages}

    assert needed <= copied
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)
