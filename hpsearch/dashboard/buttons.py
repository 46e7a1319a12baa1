"""Which buttons a page has."""

from __future__ import annotations

from hpsearch.core.experiment import Experiment, ExperimentState
from hpsearch.core.trial import FINISHED, State, Trial


def search_buttons(experiment: Experiment) -> list[tuple[str, str, str]]:
    """Return the buttons of a search: the action, its label, and that of a text beside it."""
    note = ("note", "Save the note", "Note")
    if experiment.state.is_over:
        return [note]
    is_paused = experiment.state is ExperimentState.PAUSED
    first = ("resume", "Resume the search", "") if is_paused else ("pause", "Pause the search", "")
    return [first, ("stop", "End the search", ""), note]


def trial_buttons(trial: Trial) -> list[tuple[str, str, str]]:
    """Return the buttons of a trial, as ``search_buttons`` does."""
    found = []
    if trial.invalid is not None:
        found.append(("restore", "Let it count again", ""))
    elif trial.state in FINISHED:
        found.append(("invalidate", "Mark as invalid", "Reason"))
        if trial.state is State.FAILED:
            found.append(("retry", "Evaluate it again", ""))
    elif not trial.state.is_final:
        found.append(("cancel", "Cancel it", ""))
    return [*found, ("note", "Save the note", "Note")]
