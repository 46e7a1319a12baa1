"""What a user does to a running search, from a command or a page."""

from __future__ import annotations

from hpsearch.coordination.added_trials import RETRIED, add_trials
from hpsearch.coordination.plan import EndReason
from hpsearch.core.experiment import Experiment, ExperimentState
from hpsearch.core.trial import State, Trial
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialStore


def change_state(store: TrialStore, before: Experiment, state: ExperimentState) -> Experiment | None:
    """Pause, resume or stop a search; return it as stored, None if it has ended.

    Parameters
    ----------
    store : TrialStore
        The store.
    before : Experiment
        The search as it was read last.
    state : ExperimentState
        The new state.
    """
    is_end = state is ExperimentState.STOPPED
    experiment = store.set_experiment_state(before.exp_key, state, EndReason.STOPPED if is_end else None)
    if before.state.is_over or experiment.state is not state:
        return None
    if is_end and not experiment.is_led(store.now()):
        # There is no coordinator to cancel the trials.
        store.cancel(experiment.exp_key, {State.PENDING, State.RUNNING})
    return experiment


def retry_trial(store: TrialStore, experiment: Experiment, space: Space, failed: Trial) -> Trial:
    """Evaluate a failed trial again, as a new trial; the failed one becomes invalid.

    Parameters
    ----------
    store : TrialStore
        The store.
    experiment : Experiment
        The search.
    space : Space
        Its space.
    failed : Trial
        The trial.
    """
    [new] = add_trials(store, experiment, space, [failed.values], RETRIED)
    store.mark_invalid(experiment.exp_key, [failed.tid], f"retried as trial {new.tid}")
    return new
