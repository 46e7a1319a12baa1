"""The driver of a search in one process."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from hpsearch.hyperopt.engine.rounds import Ending, search


@dataclass
class Script:
    """Rounds that follow a script and write down what they were asked."""

    losses: list[float] = field(default_factory=list)  # the best one after each evaluation
    n_points: int = 100
    stop_after: int = 100
    asked: list[int] = field(default_factory=list)
    n_evaluations: int = 0

    def ask(self, n: int) -> int:
        self.asked.append(n)
        n = min(n, self.n_points)
        self.n_points -= n
        return n

    def evaluate(self) -> None:
        self.n_evaluations += 1

    def best_loss(self) -> float | None:
        return self.losses[self.n_evaluations - 1] if self.losses else None

    def is_stopped(self) -> bool:
        return self.n_evaluations > self.stop_after


def run(script: Script, **limits: float | None) -> Ending:
    """Search with a clock that goes on by a second for each evaluation."""
    wanted = {"n_new": 5, "batch": 1, "timeout_s": None, "loss_threshold": None, **limits}
    return search(script, clock=lambda: float(script.n_evaluations), **wanted)  # type: ignore[arg-type]


def test_what_is_queued_is_evaluated_before_anything_is_asked() -> None:
    script = Script()
    assert run(script, n_new=0) is Ending.MAX_EVALS
    assert (script.n_evaluations, script.asked) == (1, [])


def test_batches_add_up_to_the_number_of_new_points() -> None:
    script = Script()
    assert run(script, batch=2) is Ending.MAX_EVALS
    assert script.asked == [2, 2, 1]


@pytest.mark.parametrize(("threshold", "n_rounds"), [(2.0, 3), (3.5, 0)])
def test_a_loss_below_the_threshold_ends_it(threshold: float, n_rounds: int) -> None:
    script = Script(losses=[3.0, 2.0, 2.0, 1.0, 0.0])
    assert run(script, loss_threshold=threshold) is Ending.LOSS_THRESHOLD
    assert len(script.asked) == n_rounds


def test_no_round_begins_after_the_timeout() -> None:
    script = Script()
    assert run(script, timeout_s=3) is Ending.TIMEOUT
    assert len(script.asked) == 2  # the queue takes the first second


def test_an_algorithm_without_more_points_ends_it_and_fewer_do_not() -> None:
    script = Script(n_points=3)
    assert run(script, batch=2) is Ending.NO_MORE_POINTS
    assert script.asked == [2, 2, 2]


def test_a_rule_of_the_users_ends_it() -> None:
    script = Script(stop_after=2)
    assert run(script) is Ending.STOPPED
    assert len(script.asked) == 2
