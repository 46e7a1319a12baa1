"""The loop of a search in one process."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from hpsearch.coordination.plan import EndReason
from hpsearch.core.experiment import Budget
from hpsearch.hyperopt.engine.fmin_loop import search


@dataclass
class Script:
    """Rounds that follow a script and record what was asked of them."""

    losses: list[float] = field(default_factory=list)  # the best one after each round
    open: list[int] = field(default_factory=list)  # open trials after each round; then none
    n_points: int = 100
    most: int = 1  # points in a round
    stop_after: int = 100
    asked: list[int] = field(default_factory=list)
    n_rounds: int = 0
    is_exhausted: bool = False

    def ask(self, n: int) -> int:
        self.asked.append(n)
        n_got = min(n, self.most, self.n_points)
        self.n_points -= n_got
        self.is_exhausted = n > 0 and n_got == 0
        return n_got

    def advance(self) -> None:
        self.n_rounds += 1

    def n_open(self) -> int:
        return self.open[self.n_rounds - 1] if 0 < self.n_rounds <= len(self.open) else 0

    def best_loss(self) -> float | None:
        return self.losses[self.n_rounds] if self.losses else None

    def is_stopped(self) -> bool:
        return self.n_rounds >= self.stop_after


def run(
    script: Script,
    n_new: int = 5,
    *,
    is_asynchronous: bool = False,
    is_waiting: bool = False,
    **limits: float,
) -> EndReason:
    """Search with a clock that advances by one second for each round."""
    return search(
        script,
        n_new,
        Budget(**limits),  # type: ignore[arg-type]
        elapsed_s=lambda: float(script.n_rounds),
        is_asynchronous=is_asynchronous,
        is_waiting=is_waiting,
    )


def test_a_search_for_no_new_point_asks_for_none() -> None:
    script = Script()
    assert run(script, 0) is EndReason.MAX_EVALS
    assert script.asked == []


def test_rounds_add_up_to_the_number_of_new_points() -> None:
    script = Script(most=2)
    assert run(script) is EndReason.MAX_EVALS
    assert script.asked == [5, 3, 1]


@pytest.mark.parametrize(("threshold", "n_rounds"), [(2.0, 1), (3.0, 0), (-1.0, 5)])
def test_a_loss_at_the_threshold_ends_the_search(threshold: float, n_rounds: int) -> None:
    script = Script(losses=[3.0, 2.0, 2.0, 1.0, 0.0, 0.0])
    expected = EndReason.MAX_EVALS if n_rounds == 5 else EndReason.LOSS_THRESHOLD
    assert run(script, loss_threshold=threshold) is expected
    assert script.n_rounds == n_rounds


def test_no_round_begins_after_the_timeout() -> None:
    script = Script()
    assert run(script, timeout_s=3.0) is EndReason.TIMEOUT
    assert script.n_rounds == 3


def test_a_search_ends_when_the_algorithm_returns_no_points() -> None:
    script = Script(n_points=3, most=2)
    assert run(script) is EndReason.NO_MORE_POINTS
    assert script.asked == [5, 3, 2]


def test_a_custom_rule_ends_the_search() -> None:
    script = Script(stop_after=2)
    assert run(script) is EndReason.EARLY_STOP
    assert len(script.asked) == 2


def test_asynchronous_trials_are_awaited_until_none_is_open() -> None:
    script = Script(open=[1, 2, 3, 2, 1])
    assert run(script, 3, is_asynchronous=True, is_waiting=True) is EndReason.MAX_EVALS
    assert script.asked == [3, 2, 1, 0, 0, 0]


def test_without_waiting_asynchronous_trials_may_stay_open() -> None:
    script = Script(open=[1, 2, 3, 3])
    assert run(script, 3, is_asynchronous=True) is EndReason.MAX_EVALS
    assert script.n_open() == 3


def test_a_round_in_which_the_queue_is_full_does_not_end_an_asynchronous_search() -> None:
    class Full(Script):
        def ask(self, n: int) -> int:
            self.asked.append(n)
            return 0 if self.n_rounds == 0 else 1

    script = Full()
    assert run(script, 2, is_asynchronous=True) is EndReason.MAX_EVALS
    assert script.asked == [2, 2, 1]
