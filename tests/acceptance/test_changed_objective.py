"""A worker that goes on over a change of the code evaluates the code that the search names."""

from __future__ import annotations

import pytest

from hpsearch.core.trial import State
from tests.support.fleet import Fleet, wait_for_exit
from tests.support.waiting import wait_until

SEARCH = """
from hpsearch import hp
from lab import OFFSET

space = {"x": hp.uniform("x", -5, 5)}

def objective(config):
    return config["x"] ** 2 + OFFSET
"""


@pytest.fixture
def lab(fleet: Fleet) -> Fleet:
    (fleet.folder / "changed.py").write_text(SEARCH)
    (fleet.folder / "lab.py").write_text("OFFSET = 0")
    return fleet


def searched(fleet: Fleet, n: int, *args: str) -> tuple[int, str]:
    process = fleet.start("coordinator", "changed.py", "--max-evals", str(n), *args)
    return wait_for_exit(process), fleet.output(process)


def test_a_warm_worker_loads_changed_code_once_it_is_accepted(lab: Fleet) -> None:
    worker = lab.worker("--exp-key", "changed")
    assert searched(lab, 3)[0] == 0
    (lab.folder / "lab.py").write_text("OFFSET = 1000")
    code, words = searched(lab, 6)
    assert (code, "in the definition of 'lab.OFFSET'" in words) == (78, True)
    assert searched(lab, 6, "--accept-changed-objective")[0] == 0
    trials = lab.trials("changed")
    assert [trial.loss >= 1000 for trial in trials if trial.loss is not None] == [False] * 3 + [True] * 3
    assert (
        len({trial.objective for trial in trials[:3]}) == len({trial.objective for trial in trials[3:]}) == 1
    )
    assert trials[0].objective != trials[3].objective
    assert worker.poll() is None


@pytest.mark.long
def test_a_worker_without_isolation_asks_for_a_restart_after_a_code_change(lab: Fleet) -> None:
    worker = lab.worker("--exp-key", "changed", "--no-isolate")
    assert searched(lab, 2)[0] == 0
    (lab.folder / "lab.py").write_text("OFFSET = 1000")
    lab.start("coordinator", "changed.py", "--max-evals", "4", "--accept-changed-objective")
    assert wait_for_exit(worker) == 65
    assert "restart the worker" in lab.output(worker)


def test_a_worker_with_another_version_of_the_code_takes_no_trial(lab: Fleet) -> None:
    lab.start("coordinator", "changed.py", "--max-evals", "2")
    wait_until(lambda: bool(lab.trials("changed")), "a trial")
    (lab.folder / "lab.py").write_text("OFFSET = 11")  # a new size: Python compares whole seconds
    worker = lab.worker("--exp-key", "changed")
    assert wait_for_exit(worker) == 65
    assert "another version here" in lab.output(worker)
    assert {trial.state for trial in lab.trials("changed")} == {State.PENDING}
    (lab.folder / "lab.py").write_text("# the right one\nOFFSET = 0")
    lab.worker("--exp-key", "changed")
    wait_until(lambda: len([t for t in lab.trials("changed") if t.state is State.DONE]) == 2, "two trials")
