"""Makes new trials from the points that a suggester proposes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from hpsearch.coordination.trial_state import TrialState
from hpsearch.core.experiment import SCRIPTED, Experiment
from hpsearch.core.trial import Trial
from hpsearch.errors import ConfigurationError, SpaceExhaustedError
from hpsearch.runtime.health.durations import Durations
from hpsearch.runtime.numerics import isolated_numerics
from hpsearch.space.tree import Space
from hpsearch.suggest.algorithms import make_suggester
from hpsearch.suggest.no_repeats import NoRepeats
from hpsearch.suggest.protocol import Suggester, Suggestion, trial_rng
from hpsearch.suggest.warm_start.suggester import WarmStarted


class SuggestionBatches:
    """Suggests the next trials of one experiment.

    Parameters
    ----------
    experiment : Experiment
        As ``store.open_experiment`` returned it.
    space : Space
        Its space.
    suggester : Suggester, optional
        Replaces the algorithm of the experiment, but not its warm start.
    clock : callable
        Monotonic seconds.

    Attributes
    ----------
    suggester : Suggester
        Proposes the points.
    has_points : bool
        False once the suggester has no more points.
    durations : Durations
        Duration of each batch.

    Raises
    ------
    ConfigurationError
        If only the script that began the experiment can suggest its trials.
    SpaceError
        If a point of its warm start is not in the space.
    """

    def __init__(
        self,
        experiment: Experiment,
        space: Space,
        suggester: Suggester | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._space = space
        self.suggester = _warm_started(suggester or _suggester_of(experiment, space), experiment, space)
        self.has_points = True
        self.durations = Durations(clock=clock)

    def propose(self, experiment: Experiment, trial_state: TrialState, n: int) -> list[Trial]:
        """Return up to ``n`` new pending trials with the next numbers; fewer if there are no more points.

        Parameters
        ----------
        experiment : Experiment
            Its current version, with the defaults of new trials.
        trial_state : TrialState
            The existing trials. With a lag, its history advances to what the last new trial learns from; if
            the new trials are then not inserted, it must be loaded again.
        n : int
            At least 1; with a lag, at most ``plan.n_within_lag``.
        """
        tids = range(trial_state.next_tid, trial_state.next_tid + n)
        # One generator for each trial: its point does not depend on the coordinator or the batch.
        rngs = [trial_rng(experiment.seed, tid) for tid in tids]
        try:
            with isolated_numerics(), self.durations.timed():
                suggestions = self._suggestions(trial_state, rngs)
        except SpaceExhaustedError:
            self.has_points = False
            return []
        self.has_points = True
        return [
            Trial(
                exp_key=experiment.exp_key,
                exp_created_at=experiment.created_at,
                tid=tid,
                values=suggestion.values,
                params=self._space.params(suggestion.values),
                origin=suggestion.origin,
                max_attempts=experiment.defaults.max_attempts,
                lease_s=experiment.defaults.lease_s,
            )
            for tid, suggestion in zip(tids, suggestions, strict=False)
        ]

    def _suggestions(self, trial_state: TrialState, rngs: Sequence[np.random.Generator]) -> list[Suggestion]:
        """Suggest all trials at once; with a lag, one after the other, each from the trials before it."""
        if trial_state.lag is None:
            return self.suggester.suggest(*trial_state.known, rngs)
        suggestions: list[Suggestion] = []
        for tid, rng in enumerate(rngs, trial_state.next_tid):
            trial_state.learn_before(tid - trial_state.lag)
            history, pending = trial_state.known
            pending += [suggestion.values for suggestion in suggestions]
            try:
                suggestions += self.suggester.suggest(history, pending, [rng])
            except SpaceExhaustedError:
                if not suggestions:
                    raise
                break
            if len(suggestions) <= tid - trial_state.next_tid:
                break
        return suggestions


def _warm_started(suggester: Suggester, experiment: Experiment, space: Space) -> Suggester:
    """Return a suggester that proposes the warm start of an experiment first; raises ``SpaceError``."""
    if experiment.warm_start is None or not experiment.warm_start.points:
        return suggester
    points = [point.values for point in experiment.warm_start.points]
    for values in points:
        space.validate(values)  # the document may have been altered
    return WarmStarted(suggester, points)


def _suggester_of(experiment: Experiment, space: Space) -> Suggester:
    """Return the suggester that an experiment names."""
    if experiment.algorithm.name == SCRIPTED:
        function = experiment.algorithm.options.get("function", "a function of its own")
        raise ConfigurationError(
            f"The trials of {experiment.exp_key!r} are suggested by {function} in the script that began it; "
            "run that script again to go on."
        )
    suggester = make_suggester(experiment.algorithm, space)
    return NoRepeats(suggester, space) if experiment.budget.no_repeats else suggester
