"""Makes new trials of what a suggester proposes."""

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


class SuggestionBatches:
    """The trials to come of one experiment.

    Parameters
    ----------
    experiment : Experiment
        As ``store.open_experiment`` returned it.
    space : Space
        Its space.
    suggester : Suggester, optional
        Instead of the one that its algorithm names.
    clock : callable
        Monotonic seconds.

    Attributes
    ----------
    suggester : Suggester
        Who is asked.
    has_points : bool
        Whether there were any when it was last asked.
    durations : Durations
        How long each batch took.

    Raises
    ------
    ConfigurationError
        If only the script that began the experiment can suggest its trials.
    """

    def __init__(
        self,
        experiment: Experiment,
        space: Space,
        suggester: Suggester | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._space = space
        self.suggester = suggester or _suggester_of(experiment, space)
        self.has_points = True
        self.durations = Durations(clock=clock)

    def propose(self, experiment: Experiment, trial_state: TrialState, n: int) -> list[Trial]:
        """Return up to ``n`` new trials, pending, under the next numbers; fewer when there are no more.

        Parameters
        ----------
        experiment : Experiment
            As it is now, with the defaults of its trials.
        trial_state : Ledger
            What is known of those there are. With a lag it moves on to what the last of the new trials
            is suggested from, so that trials which are not inserted then cannot be proposed again from it.
        n : int
            At least 1; with a lag no more than ``plan.n_within_lag``.
        """
        tids = range(trial_state.next_tid, trial_state.next_tid + n)
        # Each trial has a generator of its own, so that it does not matter who suggests it, and beside which.
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
        """Ask for all at once, or, with a lag, for one after the other, each from the trials before it."""
        if trial_state.lag is None:
            return self.suggester.suggest(trial_state.history, trial_state.pending, rngs)
        suggestions: list[Suggestion] = []
        for tid, rng in enumerate(rngs, trial_state.next_tid):
            trial_state.learn_before(tid - trial_state.lag)
            pending = [*trial_state.pending, *(suggestion.values for suggestion in suggestions)]
            try:
                suggestions += self.suggester.suggest(trial_state.history, pending, [rng])
            except SpaceExhaustedError:
                if not suggestions:
                    raise
                break
            if len(suggestions) <= tid - trial_state.next_tid:
                break
        return suggestions


def _suggester_of(experiment: Experiment, space: Space) -> Suggester:
    """Return the suggester that an experiment names, if it is one that every coordinator has."""
    if experiment.algorithm.name == SCRIPTED:
        function = experiment.algorithm.options.get("function", "a function of its own")
        raise ConfigurationError(
            f"The trials of {experiment.exp_key!r} are suggested by {function} in the script that began it; "
            "run that script again to go on."
        )
    suggester = make_suggester(experiment.algorithm, space)
    return NoRepeats(suggester, space) if experiment.budget.no_repeats else suggester
