"""A trial whose workers are killed goes on where it was."""

from __future__ import annotations

import os
import signal

from hpsearch.core.trial import State
from tests.support.fleet import wait_for_exit
from tests.support.objectives import TrialQueue
from tests.support.waiting import wait_until

N_KILLS = 5

#: After each second step, the trial waits for its worker to be killed.
OBJECTIVE = f"""
import time
import hpsearch

def trains(config):
    trial = hpsearch.current_trial()
    old = trial.resume()
    total = float(old.data) if old else 0.0
    for step in range(int(old.step) + 1 if old else 1, {2 * N_KILLS} + 3):
        total += 1 / step
        with open("steps", "a") as steps:
            steps.write(f"{{step}}\\n")
        trial.report(step, total)
        assert trial.checkpoint(step, data=repr(total).encode())
        if step % 2 == 0 and step <= {2 * N_KILLS}:
            open(f"at{{step}}", "w").close()
            time.sleep(600)
    return total
"""


def test_a_trial_killed_five_times_resumes_five_times(queue: TrialQueue) -> None:
    folder = queue.fleet.folder
    (folder / "training.py").write_text(OBJECTIVE)
    key = queue.submit("trains", 1, file="training.py", lease_s=2.0)
    for kill in range(1, N_KILLS + 1):
        worker = queue.fleet.worker()
        queue.wait_for_file(f"at{2 * kill}")
        os.kill(worker.pid, signal.SIGKILL)
        wait_for_exit(worker)
        wait_until(lambda: queue.store.expire(key) == 1, "the end of the lease")

    assert wait_for_exit(queue.fleet.worker("--burst")) == 0

    trial = queue.trial(key)
    n_steps = 2 * N_KILLS + 2
    assert (trial.state, trial.loss) == (State.DONE, sum(1 / step for step in range(1, n_steps + 1)))
    assert [int(step) for step in (folder / "steps").read_text().split()] == list(range(1, n_steps + 1))
    assert [report.step for report in trial.reports] == list(range(1, n_steps + 1))
    assert [ended.step for ended in trial.history] == [2, 4, 6, 8, 10]
    assert trial.attempt == N_KILLS + 1
    assert queue.store.n_attachments(key) == 0
