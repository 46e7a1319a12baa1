"""How early values rank trials."""

from __future__ import annotations

import pytest

from hpsearch.core.trial import Report, State, Trial
from hpsearch.report.numbers.early_ranks import EarlyRanks


def trial(tid: int, values: dict[int, float], loss: float | None) -> Trial:
    reports = tuple(Report(step=step, value=value) for step, value in values.items())
    state = State.PRUNED if loss is None else State.DONE
    return Trial(exp_key="e", tid=tid, values={}, state=state, loss=loss, reports=reports)


@pytest.mark.parametrize("sign", [1, -1])
def test_correlations_are_those_of_done_trials_at_each_rung(sign: int) -> None:
    """Curves that cross: the first values rank the trials the wrong way round."""
    ranks = EarlyRanks()
    for tid in range(9):
        ranks.add(trial(tid, {1: -sign * tid, 3: sign * (tid % 3), 9: sign * tid}, loss=tid / 8))
    ranks.add(trial(9, {1: 100.0, 3: 100.0}, loss=None))
    found = {rank.step: (round(rank.correlation, 2), rank.n_trials) for rank in ranks.correlations()}
    assert list(found) == [1, 2, 3, 5, 9]  # those between two reports are interpolated
    assert (found[1], found[3], found[9]) == ((-1.0, 9), (0.32, 9), (1.0, 9))


def test_few_trials_or_equal_values_say_nothing() -> None:
    ranks = EarlyRanks()
    for tid in range(7):
        ranks.add(trial(tid, {1: tid}, loss=tid))
    assert ranks.correlations() == ()
    for tid in range(7, 12):
        ranks.add(trial(tid, {1: tid}, loss=0.0))
    assert len(ranks.correlations()) == 1
