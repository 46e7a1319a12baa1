"""The compose file with TLS and users, as far as it can be checked without a Docker engine."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from tests.support.deploy_files import DEPLOY, interpolated, parsed

FOLDER = DEPLOY / "compose"
TEXT = (FOLDER / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(interpolated(TEXT, MONGO_ROOT_PASSWORD="r"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("setup", "coordinator", "worker")


def test_file_conforms_to_the_compose_specification() -> None:
    assert set(PyCompose.from_json(json.dumps(COMPOSE)).service_names()) == {"mongo", *OURS}


def test_header_documents_every_variable() -> None:
    header = TEXT.split("\nname:")[0]

    assert [name for name in set(re.findall(r"\$\{(\w+):", TEXT)) if name not in header] == []


def test_mongodb_takes_no_connection_without_tls_a_certificate_and_a_user() -> None:
    start = SERVICES["mongo"]["command"][0]

    for part in ("--tlsMode requireTLS", "--tlsCAFile /run/secrets/ca.pem", "--keyFile /tmp/keyfile"):
        assert part in start
    assert "tlsAllowConnectionsWithoutCertificates" not in TEXT
    assert "ports" not in SERVICES["mongo"]


def test_only_the_setup_knows_the_administrator() -> None:
    knowing = [name for name in OURS if "root" in str(SERVICES[name])]

    assert knowing == ["setup"]
    assert SERVICES["setup"]["profiles"] == ["setup"]


@pytest.mark.parametrize("name", ["coordinator", "worker"])
def test_each_party_has_the_uri_of_a_user_of_its_own(name: str) -> None:
    [file] = SERVICES[name]["env_file"]

    assert file["path"] == f"secrets/{name}.env"
    assert "environment" not in SERVICES[name]


def test_no_party_sees_the_key_of_another() -> None:
    assert {name: SERVICES[name]["secrets"] for name in SERVICES} == {
        "mongo": ["ca.pem", "server.pem"],
        **{name: ["ca.pem", "client.pem"] for name in OURS},
    }
    assert "ca.key" not in str(COMPOSE)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_service_runs_as_root(name: str) -> None:
    assert int(SERVICES[name]["user"].split(":")[0]) > 0
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in SERVICES[name]["security_opt"]


@pytest.mark.parametrize("name", OURS)
def test_the_commands_are_valid(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = SERVICES[name]["command"]
    monkeypatch.setenv("HPSEARCH_STORE", "mongodb://mongo")

    assert parsed(words) if name != "setup" else words == ["db", "init", "--users"]


def test_worker_drains_before_docker_kills_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSEARCH_STORE", "mongodb://mongo")
    grace_s = int(SERVICES["worker"]["stop_grace_period"].rstrip("s"))

    assert parsed(SERVICES["worker"]["command"])["drain_timeout"] < grace_s


def test_paths_lead_where_they_should() -> None:
    build = SERVICES["worker"]["build"]
    code, target = (
        FOLDER / SERVICES["worker"]["volumes"][0].split(":")[0],
        SERVICES["coordinator"]["command"][1],
    )

    assert (FOLDER / build["context"] / build["dockerfile"]).is_file()
    assert (code / target).is_file()


def test_secrets_are_not_committed() -> None:
    ignored = (FOLDER / ".gitignore").read_text().split()

    assert {"/secrets/", "/.env"} <= set(ignored)
    assert all(secret["file"].startswith("secrets/") for secret in COMPOSE["secrets"].values())
