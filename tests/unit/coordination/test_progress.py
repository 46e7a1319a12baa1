"""The progress of a search."""

from __future__ import annotations

from typing import Any

import pytest

from hpsearch.coordination.progress import Progress
from hpsearch.core.experiment import Budget, Experiment, ObjectiveRef
from hpsearch.core.trial import State


def progress(
    *,
    n_done: int = 0,
    n_failed: int = 0,
    n_pruned: int = 0,
    per_minute: float | None = None,
    elapsed_s: float = 0.0,
    **budget: float,
) -> Progress:
    experiment = Experiment(
        exp_key="e",
        space={},
        space_fingerprint="",
        objective=ObjectiveRef(kind="import", ref="m:f"),
        budget=Budget(**budget),  # type: ignore[arg-type]
    )
    counts = dict.fromkeys(State, 5) | {State.DONE: n_done, State.FAILED: n_failed, State.PRUNED: n_pruned}
    return Progress(
        experiment=experiment,
        counts=counts,
        best=None,
        workers=(),
        per_minute=per_minute,
        elapsed_s=elapsed_s,
    )


def test_done_failed_and_pruned_trials_count_towards_the_budget() -> None:
    assert progress(n_done=3, n_failed=2, n_pruned=4).n_finished == 9


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"max_evals": 10, "n_done": 4, "per_minute": 2.0}, 180.0),
        ({"max_evals": 10, "n_done": 12, "per_minute": 2.0}, 0.0),
        ({"max_evals": 10, "n_done": 4}, None),
        ({"timeout_s": 60.0, "elapsed_s": 45.0}, 15.0),
        ({"timeout_s": 60.0, "elapsed_s": 90.0}, 0.0),
        ({"max_evals": 10, "n_done": 4, "per_minute": 2.0, "timeout_s": 60.0, "elapsed_s": 45.0}, 15.0),
        ({"loss_threshold": 0.0, "n_done": 4, "per_minute": 2.0}, None),
    ],
)
def test_the_remaining_time_is_that_of_the_first_limit(state: dict[str, Any], expected: float | None) -> None:
    assert progress(**state).remaining_s == expected
