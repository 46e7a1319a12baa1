"""The Kubernetes manifests: against the schemas of Kubernetes itself, and against our own commands."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import kubernetes_validate
import pytest
import yaml

from hpsearch import errors
from tests.support.deploy_files import DEPLOY, parsed

FOLDER = DEPLOY / "kubernetes"
MANIFESTS: dict[str, dict[str, Any]] = {
    f"{manifest['kind']}/{manifest['metadata']['name']}": manifest
    for path in sorted(FOLDER.glob("*.yaml"))
    if path.name != "kustomization.yaml"
    for manifest in yaml.safe_load_all(path.read_text())
}
#: What starts containers.
RUNNING = {"worker": "Deployment/hpsearch-worker", "coordinator": "Job/hpsearch-coordinator"}

#: The oldest Kubernetes with all that the manifests use, and the newest that the schemas know.
VERSIONS = ("1.31", kubernetes_validate.latest_version())


def pod(name: str) -> dict[str, Any]:
    found: dict[str, Any] = MANIFESTS[RUNNING[name]]["spec"]["template"]["spec"]
    return found


def container(name: str) -> dict[str, Any]:
    [found] = pod(name)["containers"]
    assert found["name"] == name
    return dict(found)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", MANIFESTS)
def test_manifest_conforms_to_the_schema_and_has_no_unknown_field(name: str, version: str) -> None:
    kubernetes_validate.validate(MANIFESTS[name], version, strict=True)


def test_an_unknown_field_would_be_found() -> None:
    broken = yaml.safe_load(yaml.safe_dump(MANIFESTS[RUNNING["worker"]]))
    broken["spec"]["template"]["spec"]["terminationGracePeriod"] = 1

    with pytest.raises(kubernetes_validate.ValidationError, match="terminationGracePeriod"):
        kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)


@pytest.mark.skipif(not shutil.which("kubectl"), reason="there is no kubectl")
def test_kustomize_puts_all_but_the_secrets_together() -> None:
    built = subprocess.run(["kubectl", "kustomize", str(FOLDER)], capture_output=True, text=True, timeout=200)

    kinds = [manifest["kind"] for manifest in yaml.safe_load_all(built.stdout)]
    assert sorted(kinds) == ["Deployment", "Job", "NetworkPolicy"], built.stderr
    assert built.stdout.count("image: registry.example/hpsearch:") == len(RUNNING)


@pytest.mark.parametrize("name", RUNNING)
def test_the_command_is_valid_and_has_time_to_drain(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    [secret] = [source["secretRef"]["name"] for source in container(name)["envFrom"]]
    for variable, value in MANIFESTS[f"Secret/{secret}"]["stringData"].items():
        monkeypatch.setenv(variable, value)
    options = parsed(container(name)["args"])

    assert pod(name)["terminationGracePeriodSeconds"] >= options["drain_timeout"] + 30
    assert options["exp_key"] == "search" if name == "coordinator" else options["exp_keys"] == ("search",)
    # A probe comes to the address of the pod, not to its loopback interface.
    assert options["health_host"] == "0.0.0.0"
    assert [port["containerPort"] for port in container(name)["ports"]] == [options["health_port"]]


@pytest.mark.parametrize("name", RUNNING)
def test_probes_ask_what_the_health_port_answers(name: str) -> None:
    probes = {
        kind: container(name)[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")
    }

    assert {kind: probe["path"] for kind, probe in probes.items()} == {
        "startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz",
    }  # fmt: skip
    assert {probe["port"] for probe in probes.values()} == {"health"}
    assert container(name)["ports"][0]["name"] == "health"


def test_a_standby_waits_beside_the_leader_and_both_end_with_the_search() -> None:
    job = MANIFESTS[RUNNING["coordinator"]]["spec"]

    assert (job["parallelism"], job.get("completions")) == (2, None)
    assert job["template"]["spec"]["restartPolicy"] == "Never"


def test_what_another_try_does_not_mend_fails_the_search() -> None:
    """Any exit code that our table gains must be put on one side or the other."""
    [rule] = [
        r
        for r in MANIFESTS[RUNNING["coordinator"]]["spec"]["podFailurePolicy"]["rules"]
        if "onExitCodes" in r
    ]
    codes = {kind.exit_code for kind in vars(errors).values() if hasattr(kind, "exit_code")}
    not_failing = {0, 69, 70, 75}  # 70 is only of workers, 75 of `hpsearch ask`

    assert rule["action"] == "FailJob"
    assert set(rule["onExitCodes"]["values"]) == codes - not_failing


@pytest.mark.parametrize("name", RUNNING)
def test_containers_are_confined(name: str) -> None:
    assert pod(name)["securityContext"]["runAsNonRoot"] is True
    assert pod(name)["automountServiceAccountToken"] is False
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("name", RUNNING)
def test_what_is_mounted_is_there_or_said_how_to_make(name: str) -> None:
    volumes = {volume["name"]: volume for volume in pod(name)["volumes"]}
    assert set(volumes) == {mount["name"] for mount in container(name)["volumeMounts"]}

    text = "".join(path.read_text() for path in FOLDER.glob("*.yaml"))
    maps = [volume["configMap"]["name"] for volume in volumes.values() if "configMap" in volume]
    assert [one for one in maps if f"kubectl create configmap {one} " not in text] == []


def test_no_real_secret_is_written_down() -> None:
    for name in ("coordinator", "worker"):
        uri = MANIFESTS[f"Secret/hpsearch-{name}"]["stringData"]["HPSEARCH_STORE"]
        assert uri.startswith(f"mongodb://hpsearch_{name}:CHANGE-ME@")
