"""Processes that ask and tell, some of which are killed."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hpsearch
from hpsearch.core.trial import State

ASKER = """
import random, sys, time
import hpsearch
from hpsearch import hp

uri, seed, max_evals = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
pause = random.Random(seed)
space = {"x": hp.uniform("x", 0, 1)}
with hpsearch.open(uri, "s", space, algo="random", max_evals=max_evals, lease=2) as search:
    for trial in search:
        print(trial.tid, flush=True)
        time.sleep(pause.uniform(0, 0.05))
        trial.tell(trial.config["x"])
"""

MAX_EVALS, N_PROCESSES, N_KILLS = 60, 4, 4


def test_no_trial_is_lost_or_doubled_when_askers_are_killed(uri: str, tmp_path: Path) -> None:
    def start(seed: int) -> subprocess.Popen[str]:
        arguments = [sys.executable, "-c", ASKER, uri, str(seed), str(MAX_EVALS)]
        return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)

    processes = [start(seed) for seed in range(N_PROCESSES)]
    victims = random.Random(0)
    try:
        for seed in range(N_PROCESSES, N_PROCESSES + N_KILLS):
            victim = processes.pop(victims.randrange(N_PROCESSES))
            victim.stdout.readline()  # it holds this trial, or has just finished it
            victim.kill()
            victim.communicate()
            processes.append(start(seed))
        for process in processes:
            process.communicate(timeout=200)
            assert process.returncode == 0
    finally:
        for process in processes:
            process.kill()
            process.wait()

    with hpsearch.open(uri, "s") as search:
        trials = list(search.trials())
        assert [trial.tid for trial in trials] == list(range(MAX_EVALS))
        assert {trial.state for trial in trials} == {State.DONE}
        assert all(trial.loss == trial.values["x"] for trial in trials)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_thousand_trials_of_sixteen_processes_are_exact_on_a_replica_set() -> None:
    """``scripts/askers``: forty processes are killed, half of them within a trial."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.askers", "--seed", "1"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=3500,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found = re.search(r"trials 1000, done 1000, .* asked again (\d+), .* killed 40", done.stdout)
    assert found, done.stdout
    assert int(found[1]) > 0  # otherwise no asker was killed within a trial
