"""The parts of the fault campaign: faults by seed, logs, commands."""

from __future__ import annotations

import struct
from itertools import islice
from typing import Any

import bson
import pytest

from hpsearch.core.trial import Trial
from hpsearch.store.mongo import experiment_queries, queries
from tests.faults.evidence import read_acknowledged, read_calls, under_way
from tests.faults.injections import AT_START, COMMANDS, LANES, Kind, drawn
from tests.faults.table import Outcome, table
from tests.support.mongo_messages import Messages, names

TRIAL = Trial(exp_key="s", tid=0, values={}, owner="t", attempt=1)


def message(command: dict[str, Any], **bulk: list[dict[str, Any]]) -> bytes:
    """Return a command as a driver sends it, with the documents of a bulk in a section of their own."""
    body = b"\0" + bson.encode(command)
    for name, documents in bulk.items():
        part = name.encode() + b"\0" + b"".join(bson.encode(document) for document in documents)
        body += b"\1" + struct.pack("<i", len(part) + 4) + part
    return struct.pack("<iiiii", len(body) + 20, 7, 0, 2013, 0) + body


def update(pipeline: list[dict[str, Any]], collection: str = "trials") -> bytes:
    return message(
        {"update": collection, "$db": "hpsearch"}, updates=[{"q": {"_id": "s/000000"}, "u": pipeline}]
    )


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (message({"findAndModify": "trials", "update": queries.claim("t", {})}), {"findAndModify", "claim"}),
        (update(queries.finish({"state": "done", "loss": 1.0})), {"update", "finish"}),
        (update(queries.renew()), {"update", "renew"}),
        (update(queries.release(TRIAL, "drained")), {"update"}),
        (update(queries.report([{"step": 1}], "b")), {"update"}),
        (update([{"$set": {"state": "running"}}]), {"update"}),
        (update(queries.renew(), collection="workers"), {"update"}),
        (
            message({"findAndModify": "experiments", "update": experiment_queries.lead("t", 10.0, None)}),
            {"findAndModify"},
        ),
        (message({"hello": 1}), {"hello"}),
    ],
)
def test_the_proxy_distinguishes_the_commands_of_the_store(sent: bytes, expected: set[str]) -> None:
    assert names(sent) == expected


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
def test_messages_are_complete_however_they_are_split(size: int) -> None:
    sent = [message({"hello": n, "text": "x" * n}) for n in range(20)]
    stream, messages = b"".join(sent), Messages()
    parts = [stream[i : i + size] for i in range(0, len(stream), size)]
    assert [m for part in parts for m in messages.feed(part)] == sent
    assert messages.rest == b""


def test_faults_depend_on_the_seed_and_each_kind_occurs_before_any_repeats() -> None:
    def first(seed: int, lane: str, n: int) -> list[Any]:
        return list(islice(drawn(seed, lane, frozenset(Kind), 2.0), n))

    for lane, kinds in LANES.items():
        n = len(kinds)
        assert first(1, lane, 50) == first(1, lane, 50) != first(2, lane, 50)
        assert sorted(i.kind for i in first(1, lane, n)) == sorted(kinds)
    answered = {injection.command for injection in first(1, "commands", 50)}
    assert answered == {*COMMANDS, *AT_START}


def test_every_kind_of_fault_is_in_one_lane_and_only_those_allowed_are_drawn() -> None:
    assert sorted(kind for kinds in LANES.values() for kind in kinds) == sorted(Kind)
    assert {i.kind for i in islice(drawn(1, "wire", {Kind.RESET}, 2.0), 5)} == {Kind.RESET}
    assert list(drawn(1, "servers", {Kind.RESET}, 2.0)) == []


LINE = (
    '{"exp_key": "s", "tid": 3, "attempt": 2, "worker": 10, "process": %d, "temper": "good", '
    '"began_at": %s%s}'
)


def test_begin_and_end_lines_form_a_call_and_an_open_call_is_running() -> None:
    lines = [LINE % (11, 5.0, ""), LINE % (12, 5.0, ""), LINE % (11, 5.0, ', "ended_at": 6.0, "loss": 2.5')]
    ended, still_open = read_calls(lines)
    assert (ended.trial, ended.ended_at, ended.loss) == ("s/000003", 6.0, 2.5)
    assert under_way([ended, still_open], {11, 12}) == [still_open]
    assert under_way([ended, still_open], {11}) == [], "a process that is gone is in the middle of nothing"


def test_stored_results_are_read_from_the_log_of_a_worker() -> None:
    log = (
        "2026-11-21 12:00:00 INFO trial s/000017 done: loss 1.5e-05 in 0.10 s\n"
        "2026-11-21 12:00:01 INFO trial s/000018 failed: signal: The process was killed.\n"
        "2026-11-21 12:00:02 INFO trial s/000019 was stopped: lease lost\n"
    )
    done, failed = read_acknowledged("worker-1", log)
    assert (done.trial, done.worker, done.loss, done.kind) == ("s/000017", "worker-1", 1.5e-05, None)
    assert (failed.trial, failed.loss, failed.kind) == ("s/000018", None, "signal")


def test_a_lost_attempt_counts_for_the_fault_of_its_own_worker_before_those_of_all() -> None:
    held = frozenset({("s/000000", 1)})
    outcomes = [
        Outcome(kind=Kind.KILL_WORKER, n_hit=1, unit="trials in hand", in_hand=held, is_local=True),
        Outcome(kind=Kind.KILL_PRIMARY, n_hit=1, unit="trials in hand", in_hand=held),
    ]
    trial = {"_id": "s/000000", "history": [{"attempt": 1, "why": "lease expired"}]}
    lines = table(outcomes, [trial], [])
    assert lines[1:] == [
        ("worker killed", "1", "1 trials in hand", "1", "0"),
        ("primary killed", "1", "1 trials in hand", "0", "0"),
        ("in all", "2", "", "1", "0"),
    ]
