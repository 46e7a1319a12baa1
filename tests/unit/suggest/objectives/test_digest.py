"""The bounded part of a history that suggesters learn from."""

from __future__ import annotations

import numpy as np

from hpsearch import hp
from hpsearch.core.front import nondominated
from hpsearch.core.history import History
from hpsearch.space.tree import Space
from hpsearch.suggest.objectives.digest import Digest
from tests.support.outcomes import add_outcomes, outcomes

SPACE = Space([hp.uniform("x", 0, 1), hp.uniform("y", 0, 1)])


def _history(n: int, *, n_objectives: int = 2, n_limits: int = 0) -> History:
    history = History(SPACE, outcomes(n_objectives, n_limits))
    for x, y in np.random.default_rng(0).random((n, 2)).tolist():
        losses = [x + y**2, (1 - x) + y, x * y][:n_objectives]
        add_outcomes(history, {"x": x, "y": y}, losses, [x - 0.5][:n_limits])
    return history


def test_with_one_objective_and_no_limits_it_is_the_history() -> None:
    """The same object, so that nothing is copied or learned again."""
    history = History(SPACE)
    assert Digest().read(history) is history


def test_all_trials_of_a_short_search_are_in_it() -> None:
    """In order of completion, with their objectives, and their places as losses."""
    history = _history(300)
    found = Digest().read(history)
    assert (found.values == history.values).all()
    assert (found.objectives == history.objectives).all()
    assert sorted(found.losses.tolist()) == list(range(300))
    assert found.whole is history


def test_long_histories_keep_the_front_and_the_newest_trials() -> None:
    """Whether a process reads them one by one or at once."""
    digest, history = Digest(), History(SPACE, outcomes(2, 1))
    rows = np.random.default_rng(0).random((1200, 2))
    for i, (x, y) in enumerate(rows.tolist()):
        add_outcomes(history, {"x": x, "y": y}, [x + y**2, 1 - x + y], [x - 0.5])
        if i % 50 == 0:
            digest.read(history)

    found, at_once = digest.read(history), Digest().read(history)

    assert (found.values == at_once.values).all()
    assert (found.losses == at_once.losses).all()
    assert len(found) < 712
    assert (found.values[-256:] == rows[-256:]).all()
    x, y = rows[rows[:, 0] <= 0.5].T
    front = np.column_stack([x, y])[nondominated(np.column_stack([x + y**2, 1 - x + y]))]
    assert {tuple(row) for row in front} <= {tuple(row) for row in found.values}


def test_one_objective_with_limits_keeps_its_losses_beside_the_order() -> None:
    """The GP learns from the losses, TPE from the order."""
    history = _history(20, n_objectives=1, n_limits=1)
    found = Digest().read(history)
    assert (found.objectives == history.losses[:, None]).all()
    best = int(np.argmin(found.losses))
    is_feasible = history.violations[:, 0] <= 0
    assert history.losses[best] == history.losses[is_feasible].min()
