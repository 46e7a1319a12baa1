"""Experiments whose first trials were evaluated by another program."""

from __future__ import annotations

from dataclasses import replace

from hpsearch.core.experiment import UNDECIDED, Experiment, ExperimentState
from hpsearch.core.goal import LOSS, Goal
from hpsearch.errors import ExperimentMismatchError, NotFoundError
from hpsearch.space.tree import Space
from hpsearch.store.checks import check_joinable
from hpsearch.store.protocol import TrialStore


def open_imported(store: TrialStore, exp_key: str, space: Space, goal: Goal = LOSS) -> Experiment:
    """Create a stopped experiment whose objective is undecided, or check that an existing one fits.

    Parameters
    ----------
    store : TrialStore
        The store.
    exp_key : str
        Name of the experiment.
    space : Space
        Its space.
    goal : Goal
        What it makes as low or as high as possible.

    Raises
    ------
    ExperimentMismatchError
        If it exists with another space or goal.
    """
    wanted = Experiment(
        exp_key=exp_key,
        space=space.to_json(),
        space_fingerprint=space.fingerprint,
        objective=UNDECIDED,
        goal=goal,
        state=ExperimentState.STOPPED,
    )
    try:
        present = store.experiment(exp_key)
    except NotFoundError:
        return store.open_experiment(wanted)
    check_joinable(present, replace(wanted, objective=present.objective))
    if present.goal != goal:
        raise ExperimentMismatchError(
            f"Experiment {exp_key!r} {present.goal}, and the imported one {goal}", "use another name."
        )
    return present
