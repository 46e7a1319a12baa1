"""Real coordinators and workers, asked how they are: probes, metrics, and their logs in JSON."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from hpsearch.core.trial import State
from hpsearch.runtime.events import Event
from tests.support.documentation import event_rows, section
from tests.support.fleet import Fleet, wait_for_exit
from tests.support.servers import Server
from tests.support.waiting import wait_until

HEALTH = ("--health-port", "0", "--log-format", "json")

#: What the client library tells of every process.
OF_THE_PROCESS = "process_"


def lines(fleet: Fleet, process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """Return what a process has written to stderr; its last line may not be whole yet."""
    whole = fleet.output(process).rpartition("\n")[0]
    return [json.loads(line) for line in whole.splitlines()]


def url_of(fleet: Fleet, process: subprocess.Popen[str]) -> str:
    def addresses() -> list[str]:
        return [line["url"] for line in lines(fleet, process) if line["event"] == Event.HEALTH_SERVED]

    wait_until(lambda: bool(addresses()), "the log line with the port")
    return addresses()[0]


def asked(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read().decode().strip()
    except urllib.error.HTTPError as no:
        return no.code, no.read().decode().strip()


def metrics(url: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return the samples by name and labels."""
    status, text = asked(f"{url}/metrics")
    assert status == 200
    families = text_string_to_metric_families(text + "\n")
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def exposed(url: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Return type and labels of each metric, by the name that the reference gives it."""
    found = {}
    for family in text_string_to_metric_families(asked(f"{url}/metrics")[1] + "\n"):
        labels = frozenset(label for s in family.samples for label in s.labels) - {"le"}
        name = f"{family.name}_total" if family.type == "counter" else family.name
        if not name.startswith(OF_THE_PROCESS):
            found[name] = (family.type, labels)
    return found


def described() -> dict[str, tuple[str, frozenset[str]]]:
    rows = re.findall(r"^\| `(hpsearch_\w+)` \| (\w+) \|(.*?)\|", section("Health and metrics"), re.MULTILINE)
    return {name: (kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def test_probes_and_metrics_of_a_fleet_match_the_reference(fleet: Fleet) -> None:
    worker = fleet.worker("--name", "anna", *HEALTH)
    at_worker = url_of(fleet, worker)
    wait_until(lambda: asked(f"{at_worker}/readyz") == (200, "ready"), "the worker to be ready")
    coordinator = fleet.coordinator("--max-evals", "6", *HEALTH, "--drain-timeout", "0s")
    at_coordinator = url_of(fleet, coordinator)

    def metric(state: State) -> float | None:
        return metrics(at_coordinator).get(
            ("hpsearch_trials", (("exp_key", "search"), ("state", state.value)))
        )

    wait_until(lambda: (metric(State.DONE) or 0) >= 1, "the first result")
    assert asked(f"{at_coordinator}/healthz") == (200, "alive")
    assert exposed(at_coordinator) | exposed(at_worker) == described()
    assert metrics(at_coordinator)["hpsearch_coordinator_leader", ()] == 1
    assert wait_for_exit(coordinator) == 0

    counted = metrics(at_worker)
    assert counted["hpsearch_worker_trials_total", (("outcome", "done"),)] == 6
    for name in ("trial", "claim", "finish"):
        assert counted[f"hpsearch_worker_{name}_seconds_count", ()] >= 6
    assert counted["hpsearch_worker_trial_seconds_sum", ()] >= 6 * 0.1  # what each evaluation sleeps
    assert counted["hpsearch_worker_slots", ()] == 1
    assert counted["hpsearch_reconnects_total", ()] == 0
    worker.send_signal(signal.SIGTERM)
    assert wait_for_exit(worker) == 0

    of_worker, of_coordinator = lines(fleet, worker), json_lines(fleet, coordinator)
    assert {line["worker"] for line in of_worker} == {"anna"}
    done = [line for line in of_worker if line["event"] == Event.TRIAL_DONE]
    assert sorted(line["tid"] for line in done) == list(range(6))
    assert {Event.SEARCHING, Event.LEADING, Event.IMPROVED, Event.PROGRESS} <= {
        line["event"] for line in of_coordinator
    }
    for line in of_worker + of_coordinator:
        has = set(line) - {"time", "level", "event", "message", "worker"}
        assert has == event_rows()[line["event"]].fields


def json_lines(fleet: Fleet, process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """Return the log of a coordinator; what it prints to stdout at its end stands after it."""
    text = fleet.output(process)
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.mark.long
def test_a_draining_worker_is_live_but_not_ready(fleet: Fleet) -> None:
    worker = fleet.worker(*HEALTH, "--drain-timeout", "60s", SLEEP="600")
    fleet.coordinator("--max-evals", "1")
    url = url_of(fleet, worker)
    wait_until(lambda: metrics(url).get(("hpsearch_worker_slots_busy", ())) == 1, "a running trial")
    worker.send_signal(signal.SIGTERM)
    wait_until(lambda: asked(f"{url}/readyz") == (503, "leaving: takes no new work"), "the worker to drain")
    assert asked(f"{url}/healthz") == (200, "alive")
    assert metrics(url)["hpsearch_worker_draining", ()] == 1
    worker.kill()
    worker.wait()
    with pytest.raises(urllib.error.URLError):
        asked(f"{url}/healthz")


def test_a_database_outage_is_counted_and_keeps_a_worker_live(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    server.start()
    fleet = Fleet(tmp_path, server.uri)
    try:
        feels_an_outage(fleet, server)
    finally:
        fleet.end()
        server.kill()


def feels_an_outage(fleet: Fleet, server: Server) -> None:
    worker = fleet.worker(*HEALTH)
    url = url_of(fleet, worker)
    wait_until(lambda: asked(f"{url}/readyz")[0] == 200, "the worker to be ready")
    server.kill()
    wait_until(lambda: metrics(url)["hpsearch_contact_age_seconds", ()] > 3, "the outage to be felt")
    assert asked(f"{url}/healthz") == (200, "alive")
    server.start()
    wait_until(lambda: metrics(url)["hpsearch_reconnects_total", ()] == 1, "the worker to be back")
    wait_until(lambda: asked(f"{url}/readyz") == (200, "ready"), "the worker to be ready again")
    events = [line["event"] for line in lines(fleet, worker)]
    assert events.count(Event.DATABASE_AWAY) == events.count(Event.DATABASE_BACK) == 1


@pytest.mark.long
def test_a_port_in_use_is_reported_in_one_sentence(fleet: Fleet) -> None:
    url = url_of(fleet, fleet.worker(*HEALTH))
    port = url.rpartition(":")[2]
    for command in (["worker"], ["coordinator", "search.py"]):
        refused = fleet.call(*command, "--health-port", port)
        assert refused.returncode == 78
        assert refused.stderr.startswith(f"hpsearch: The health port 127.0.0.1:{port} cannot be opened: ")
        assert len(refused.stderr.splitlines()) == 1
