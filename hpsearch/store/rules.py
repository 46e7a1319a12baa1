"""What every store checks before it writes; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hpsearch.errors import ExperimentMismatchError
from hpsearch.experiment import Experiment
from hpsearch.trial import State, Trial

_CANCELLABLE = {State.PENDING, State.RUNNING}

_ADVICE = "use another --exp-key for a new search, or the original to go on with this one."


def check_joinable(stored: Experiment, wanted: Experiment) -> None:
    """Return if ``wanted`` is the same search as ``stored``.

    Raises
    ------
    ExperimentMismatchError
        Saying whether the space differs, and in which labels, or the objective.
    """
    begin = f"Experiment {stored.exp_key!r} exists with another"
    if stored.space_fingerprint != wanted.space_fingerprint:
        raise ExperimentMismatchError(f"{begin} search space: {_difference(stored, wanted)}; {_ADVICE}")
    mine, theirs = wanted.objective, stored.objective
    if (mine.kind, mine.identity) != (theirs.kind, theirs.identity):
        raise ExperimentMismatchError(
            f"{begin} objective: {theirs.identity!r} there, {mine.identity!r} here; {_ADVICE}"
        )


def check_insertable(trials: Sequence[Trial]) -> None:
    """Return if all trials are new.

    Raises
    ------
    ValueError
        Naming the first that is not pending and unclaimed.
    """
    for trial in trials:
        if trial.state is not State.PENDING or trial.attempt:
            raise ValueError(
                f"trial {trial.id} is {trial.state}; only pending, unclaimed trials are inserted"
            )


def check_cancellable(states: Iterable[State]) -> set[State]:
    """Return the states if trials in them can be cancelled.

    Raises
    ------
    ValueError
        If one is final.
    """
    wanted = set(states)
    if not wanted <= _CANCELLABLE:
        raise ValueError("only pending and running trials can be cancelled")
    return wanted


def is_same_point(mine: Trial, stored: Trial) -> bool:
    """Whether a repeated insert means the trial that is there: its point, not what became of it since."""
    return (mine.values, mine.origin, mine.priority) == (stored.values, stored.origin, stored.priority)


def _difference(stored: Experiment, wanted: Experiment) -> str:
    there, here = _parameters(stored.space), _parameters(wanted.space)
    parts = [
        ("only there", there.keys() - here.keys()),
        ("only here", here.keys() - there.keys()),
        (
            "defined differently",
            {label for label in there.keys() & here.keys() if there[label] != here[label]},
        ),
    ]
    told = [f"{what}: {', '.join(map(repr, sorted(labels)))}" for what, labels in parts if labels]
    return "; ".join(told) or "the same parameters in another structure"


def _parameters(space: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a space's JSON form by label."""
    return {parameter["label"]: parameter for parameter in space.get("parameters", ())}
