"""The convolutional network's search on a fleet that is killed in the middle."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from hpsearch.core.trial import State
from tests.support.fleet import Fleet, wait_for_exit
from tests.support.waiting import wait_until

pytest.importorskip("torch", reason="PyTorch is not installed (extra torch)")

SEARCH = Path(__file__).parents[2] / "scripts" / "examples" / "convnet" / "search.py"


def test_the_same_command_continues_a_search_whose_processes_were_all_killed(fleet: Fleet) -> None:
    """Every trial is done once, and its file, its document and its reports say the same."""
    results = fleet.folder / "results"
    settings = {"CONVNET_RESULTS": str(results), "CONVNET_EPOCHS": "2"}
    command = [
        "run",
        str(SEARCH),
        "--exp-key",
        "convnet",
        "--max-evals",
        "6",
        "--workers",
        "2",
        "--lease",
        "3s",
    ]

    def finished() -> int:
        return sum(trial.state in {State.DONE, State.FAILED} for trial in fleet.trials("convnet"))

    first = fleet.start(*command, **settings)
    wait_until(lambda: finished() >= 2, "two trials")
    os.killpg(first.pid, signal.SIGKILL)
    kept = {trial.tid: trial for trial in fleet.trials("convnet") if trial.state is State.DONE}

    assert wait_for_exit(fleet.start(*command, **settings)) == 0
    trials = {trial.tid: trial for trial in fleet.trials("convnet")}
    assert finished() == 6
    assert all(trials[tid] == trial for tid, trial in kept.items())
    for tid, trial in trials.items():
        if trial.state is State.DONE:
            record = json.loads((results / f"convnet-{tid:06d}.json").read_text())
            assert record["values"] == dict(trial.values)
            assert record["result"]["loss"] == trial.loss == 1 - max(report.value for report in trial.reports)
            assert [report.step for report in trial.reports] == [1, 2]
