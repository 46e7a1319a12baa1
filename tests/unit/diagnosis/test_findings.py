"""Findings about facts of a database and a machine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hpsearch.diagnosis.database_findings import database_findings
from hpsearch.diagnosis.finding import Verdict, findings_text
from hpsearch.diagnosis.machine_findings import Machine, Setting, machine_findings, settings_findings
from hpsearch.store.mongo.database_state import (
    Clock,
    DatabaseState,
    Disk,
    DocumentCount,
    Member,
    OrphanReport,
    Topology,
)

GIB = 1024**3

NO_ORPHANS = OrphanReport(
    invalid={"trials": DocumentCount(n=0), "experiments": DocumentCount(n=0)},
    newer=DocumentCount(n=0),
    orphan_trials=DocumentCount(n=0),
    orphan_files=DocumentCount(n=0),
    broken_uploads=DocumentCount(n=0),
    overdue=DocumentCount(n=0),
    long_leases=DocumentCount(n=0),
    leaderless=DocumentCount(n=0),
)

SOUND = DatabaseState(
    hosts="db:27017",
    database="hpsearch",
    version="6.0.5",
    compatibility="6.0",
    topology=Topology.REPLICA_SET,
    members=(Member(name="db:27017", state="PRIMARY"),),
    n_members=1,
    write_concern={"w": "majority", "j": True},
    clock=Clock(ahead_s=0.01, error_s=0.001),
    is_local=False,
    is_encrypted=True,
    unverified=(),
    user="hpsearch_worker",
    is_open=False,
    missing=(),
    extra_indexes=(),
    missing_rights={
        "hpsearch_viewer": (),
        "hpsearch_worker": (),
        "hpsearch_coordinator": ("insert on trials",),
    },
    disk=Disk(free_bytes=50 * GIB, total_bytes=100 * GIB),
    orphans=NO_ORPHANS,
)

NEAT = Machine(
    python="3.11.7",
    system="Linux",
    packages={"hpsearch": "0.1.0"},
    extras={"plot": ()},
    n_cores=8,
    memory_bytes=16 * GIB,
    open_files=1024,
    start_method="fork",
    algebra_threads=(8, 8),
    threads={},
    mongod="/usr/bin/mongod",
    mongod_fault=None,
    mongosh=None,
    home="/home/anna/.local/share/hpsearch",
    home_faults=(),
    home_is_shared=False,
    secret=None,
    secret_fault=None,
)


def test_a_sound_database_and_machine_have_no_faults() -> None:
    findings = [*database_findings(SOUND), *machine_findings(NEAT)]
    assert {f.verdict for f in findings} == {Verdict.OK}
    assert findings_text(findings).endswith("\nNothing to fix.")


@pytest.mark.parametrize(
    ("name", "changes", "verdict", "words"),
    [
        ("server", {"compatibility": "5.0"}, "warning", "with data of MongoDB 5.0"),
        ("topology", {"topology": Topology.STANDALONE, "members": None}, "warning", "standalone"),
        ("topology", {"members": (Member(name="b:1", state="RECOVERING"),)}, "problem", "b:1 is RECOVERING"),
        ("write concern", {"write_concern": {"w": 1}}, "warning", "w=1, from the URI"),
        ("write concern", {"write_concern": {"w": "majority", "j": False}}, "warning", "j=False"),
        ("clock", {"clock": Clock(ahead_s=-3600.0, error_s=0.01)}, "warning", "3600.0 s behind the server"),
        ("clock", {"clock": Clock(ahead_s=2.5, error_s=0.01)}, "warning", "2.5 s ahead of"),
        ("encryption", {"is_encrypted": False}, "problem", "plain text"),
        ("encryption", {"unverified": ("tlsInsecure",)}, "problem", "with tlsInsecure in the URI"),
        ("encryption", {"unverified": ("tlsInsecure",), "is_local": True}, "warning", "tlsInsecure"),
        ("authentication", {"is_open": True, "user": None}, "problem", "lets anyone in"),
        ("authentication", {"is_open": True, "is_local": True}, "warning", "user of this machine"),
        ("preparation", {"missing": ("index trials.queue",)}, "problem", "index trials.queue"),
        ("other indexes", {"extra_indexes": ("trials.mine",)}, "warning", "trials.mine"),
        ("rights", {"missing_rights": {"hpsearch_viewer": ("find on trials",)}}, "problem", "find on trials"),
        ("disk", {"disk": Disk(free_bytes=GIB // 2, total_bytes=8 * GIB)}, "warning", "0.5 of 8.0 GiB"),
        ("disk", {"disk": Disk(free_bytes=2 * GIB, total_bytes=100 * GIB)}, "warning", "2.0 of 100.0 GiB"),
    ],
)
def test_a_fault_of_a_database_is_found(name: str, changes: dict[str, Any], verdict: str, words: str) -> None:
    found = {f.name: f for f in database_findings(replace(SOUND, **changes))}
    assert found[name].verdict == verdict
    assert words in found[name].text
    assert found[name].advice
    assert {n for n, f in found.items() if f.verdict is not Verdict.OK} == {name}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("encryption", {"is_encrypted": False, "is_local": True}),
        ("clock", {"clock": Clock(ahead_s=3.0, error_s=2.5)}),  # a slow answer makes the difference uncertain
        ("write concern", {"topology": Topology.STANDALONE, "write_concern": {"w": 1}}),
        ("topology", {"topology": Topology.SHARDED, "members": None}),
        ("authentication", {"is_open": None}),
        ("preparation", {"missing": None}),
        ("disk", {"disk": None}),
    ],
)
def test_harmless_and_unknown_facts_are_ok(name: str, changes: dict[str, Any]) -> None:
    found = {f.name: f for f in database_findings(replace(SOUND, **changes))}
    assert found[name].verdict is Verdict.OK


@pytest.mark.parametrize(
    ("field", "name", "verdict"),
    [
        ("newer", "newer experiments", "problem"),
        ("orphan_trials", "trials without experiment", "warning"),
        ("orphan_files", "attachments without experiment", "warning"),
        ("broken_uploads", "uploads cut short", "warning"),
        ("overdue", "overdue trials", "warning"),
        ("long_leases", "leases", "warning"),
        ("leaderless", "searches without coordinator", "warning"),
    ],
)
def test_orphaned_documents_are_counted_with_an_example(field: str, name: str, verdict: str) -> None:
    """A count that the user may not see is ok."""
    orphans = replace(NO_ORPHANS, **{field: DocumentCount(n=3, example="search/000007")})
    found = {f.name: f for f in database_findings(replace(SOUND, orphans=orphans))}
    assert found[name].verdict == verdict
    assert found[name].text.startswith("3, such as search/000007: ")
    unseen = {
        f.name: f for f in database_findings(replace(SOUND, orphans=replace(NO_ORPHANS, **{field: None})))
    }
    assert (unseen[name].verdict, unseen[name].text[:7]) == (Verdict.OK, "unknown")


def test_invalid_documents_are_a_problem() -> None:
    orphans = replace(NO_ORPHANS, invalid={"trials": DocumentCount(n=1, example="search/000001")})
    found = {f.name: f for f in database_findings(replace(SOUND, orphans=orphans))}
    assert found["documents of trials"].verdict is Verdict.PROBLEM


@pytest.mark.parametrize(
    ("name", "changes", "verdict"),
    [
        ("open files", {"open_files": 64}, "warning"),
        ("linear algebra", {"algebra_threads": ()}, "warning"),
        ("home", {"home_faults": ("nothing can be written there",)}, "problem"),
        ("home", {"home_is_shared": True}, "warning"),
        ("mongod", {"mongod": None, "mongod_fault": "HPSEARCH_MONGOD is no program"}, "problem"),
        ("secret", {"secret_fault": "HPSEARCH_SECRET has 3 bytes"}, "problem"),
        ("open files", {"open_files": -1}, "ok"),
        ("mongod", {"mongod": None}, "ok"),
    ],
)
def test_a_fault_of_a_machine_is_found(name: str, changes: dict[str, Any], verdict: str) -> None:
    found = {f.name: f for f in machine_findings(replace(NEAT, **changes))}
    assert found[name].verdict == verdict
    assert bool(found[name].advice) == (verdict != "ok")


def test_an_unknown_variable_is_reported_with_a_similar_one() -> None:
    known = {"HPSEARCH_STORE", "HPSEARCH_DEBUG"}
    settings = [Setting(name="HPSEARCH_DEBUG", value="1", source="the environment")]
    read, unread, far = settings_findings(
        settings, ["HPSEARCH_DEBUG", "HPSEARCH_STOER", "HPSEARCH_QQQQ"], known
    )
    assert (read.verdict, read.text) == (Verdict.OK, "HPSEARCH_DEBUG is 1, from the environment")
    assert (unread.verdict, unread.advice) == (Verdict.WARNING, "did you mean HPSEARCH_STORE?")
    assert "HPSEARCH_QQQQ" in far.text


def test_the_text_has_verdicts_advice_and_counts() -> None:
    text = findings_text(
        database_findings(replace(SOUND, is_encrypted=False, extra_indexes=("trials.mine",)))
    )
    lines = text.splitlines()
    assert lines[-1] == "1 problem, 1 warning."
    at = next(i for i, line in enumerate(lines) if line.startswith("problem"))
    assert lines[at + 1].strip().startswith("-> give the servers certificates")
