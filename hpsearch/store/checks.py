"""Checks and rules that every store applies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from hpsearch.core.experiment import UNDECIDED, Experiment, ObjectiveRef, changed_parts
from hpsearch.core.trial import FINISHED, State, Trial, trial_id
from hpsearch.errors import ExperimentMismatchError, StoreError, TooLargeError
from hpsearch.store.documents.encoding import encoded

#: Content of an attachment; it must not change before it is stored.
Content = bytes | bytearray | memoryview

#: Start of the name of a file with a checkpoint.
CHECKPOINT_PREFIX = "hpsearch.checkpoint/"

_CANCELLABLE = {State.PENDING, State.RUNNING}

#: States in which the attachments of the attempt that holds the trial's token are visible.
_WITH_ATTEMPT = FINISHED | {State.RUNNING}

#: Paths of an objective's file that an experiment stores.
_MOST_PATHS = 10

#: Parts of an objective in a message.
_MOST_NAMES = 5

_RUN_ADVICE = (
    "; do not put values that change from run to run into the objective: read them inside the function, "
    "or pass them by the environment"
)

_CHANGE_ADVICE = (
    "start another search with --exp-key NEW, or continue this one with the changed code and the present "
    "losses with --accept-changed-objective."
)

_ADVICE = "use another --exp-key for a new search, or the original to continue this one."


def check_joinable(stored: Experiment, wanted: Experiment, *, accepts_change: bool = False) -> None:
    """Check that an experiment may join a stored one: same space, and same or still undecided objective.

    Parameters
    ----------
    stored : Experiment
        The stored experiment.
    wanted : Experiment
        The experiment that joins it.
    accepts_change : bool
        Whether changed code of the same objective is accepted.

    Raises
    ------
    ExperimentMismatchError
        If they differ; the text names the labels of the space or the parts of the objective.
    """
    check_same_space(stored, wanted.space_fingerprint, wanted.space)
    start = _different(stored)
    mine, theirs = wanted.objective, stored.objective
    if theirs != UNDECIDED and (mine.kind, mine.identity) != (theirs.kind, theirs.identity):
        raise ExperimentMismatchError(f"{start} objective: {_other_objective(theirs, mine)}", _ADVICE)
    changed = changed_parts(theirs, mine)
    if changed and not accepts_change:
        raise ExperimentMismatchError(
            f"{start} objective: {mine.ref!r} has been changed since, {differing_parts(changed)}",
            _CHANGE_ADVICE,
        )


def check_same_space(stored: Experiment, fingerprint: str, space: Mapping[str, Any]) -> None:
    """Check that a search space is that of a stored experiment.

    Parameters
    ----------
    stored : Experiment
        The stored experiment.
    fingerprint : str
        Of the space.
    space : mapping
        The space in JSON form.

    Raises
    ------
    ExperimentMismatchError
        If they differ; the text names the labels.
    """
    if stored.space_fingerprint != fingerprint:
        difference = _different_labels(stored.space, space)
        raise ExperimentMismatchError(f"{_different(stored)} search space: {difference}", _ADVICE)


def joined_objective(there: ObjectiveRef, here: ObjectiveRef) -> ObjectiveRef:
    """Return the objective of an experiment after a join.

    It gets code that was accepted or unknown before, and the path of the file on the joining machine.

    Parameters
    ----------
    there : ObjectiveRef
        The stored objective.
    here : ObjectiveRef
        The objective of the experiment that joins.
    """
    if there == UNDECIDED:
        return there  # replaced as a whole
    is_new = there.fingerprint is None and here.fingerprint is not None
    objective = here if is_new or changed_parts(there, here) else there
    if here.path is None or (not there.paths and here.path == there.path):
        return objective
    known = dict.fromkeys([here.path, *there.paths, *([there.path] if there.path else [])])
    return replace(objective, paths=tuple(known)[:_MOST_PATHS])


def replaced_fingerprint(before: ObjectiveRef, after: ObjectiveRef) -> str | None:
    """Return the fingerprint of an objective before a change of its code; None if it is the same.

    Parameters
    ----------
    before, after : ObjectiveRef
        The stored objective before and after a join.
    """
    return None if before.fingerprint == after.fingerprint else before.fingerprint


def differing_parts(changed: Sequence[str]) -> str:
    """Describe in which functions, classes and values the code of two objectives differs."""
    functions, values = _split(changed)
    parts = [_named("in", functions), _named("in the definition of", values)]
    return " and ".join(filter(None, parts))


def check_insertable(trials: Sequence[Trial]) -> None:
    """Check that all trials are new, or final with a consistent outcome.

    Raises
    ------
    ValueError
        If one is neither; the text names it and the reason.
    """
    for trial in trials:
        if not trial.state.is_final and (trial.state is not State.PENDING or trial.attempt):
            raise ValueError(
                f"trial {trial.id} is {trial.state}; only pending, unclaimed and final trials can be inserted"
            )
        if trial.has_loss != (trial.state is State.DONE):
            raise ValueError(
                f"trial {trial.id} is {trial.state} with the loss {trial.loss}; only done trials have one"
            )
        if trial.owner is not None or trial.lease_until is not None:
            raise ValueError(f"trial {trial.id} is inserted with a claim; omit owner and lease_until")


def check_cancellable(states: Iterable[State]) -> set[State]:
    """Return states in which trials can be cancelled.

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
    """Whether a repeated insert has the same point as the stored trial, and the same outcome if final.

    Parameters
    ----------
    mine : Trial
        The inserted trial.
    stored : Trial
        The stored trial, which may have been evaluated since.
    """
    if (mine.values, mine.origin, mine.priority) != (stored.values, stored.origin, stored.priority):
        return False
    return not mine.state.is_final or (mine.state, mine.loss, mine.losses) == (
        stored.state,
        stored.loss,
        stored.losses,
    )


def with_store_times(trial: Trial, now: datetime) -> Trial:
    """Return a new trial with times from the store; an imported one keeps its own.

    Parameters
    ----------
    trial : Trial
        A pending or final trial.
    now : datetime
        Store time.
    """
    if not trial.state.is_final:
        return replace(trial, created_at=now)
    return replace(trial, created_at=trial.created_at or now, finished_at=trial.finished_at or now)


def visible_attempts(state: State, owner: str | None, attempt: int) -> list[int]:
    """Return the attempts whose attachments are visible (13); 0 stands for the trial itself.

    Parameters
    ----------
    state : State
        Of the trial.
    owner : str or None
        The trial's token.
    attempt : int
        The latest attempt.
    """
    return [0, attempt] if owner is not None and state in _WITH_ATTEMPT else [0]


def replaced_attempts(attempt: int) -> tuple[int, int | None]:
    """Return the range of attempts whose attachments a new one replaces; None is unbounded.

    An attachment of an attempt does not replace that of the trial itself, because the attempt may be lost.
    """
    return (1, attempt) if attempt else (0, None)


def stored_name(name: Any) -> str:
    """Return the name of an attachment for storage.

    Raises
    ------
    StoreError
        If it is not text.
    """
    if not isinstance(name, str):
        raise StoreError(f"The name of an attachment is {name!r:.80}, which is not text; use a str.")
    return str(encoded(name, "name"))


def checked_content(name: str, data: Any) -> Content:
    """Return the content of an attachment, copied only if its bytes are not contiguous.

    Parameters
    ----------
    name : str
        Name of the attachment, for the error.
    data : any
        Content to check.

    Raises
    ------
    StoreError
        If it is not bytes.
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        kind = type(data).__qualname__
        raise StoreError(f"The attachment {name!r} is a {kind}, not bytes; encode or pickle it first.")
    if isinstance(data, memoryview) and not (data.c_contiguous and data.nbytes):
        return bytes(data)  # not contiguous, or empty
    found: Content = data
    return found


def no_checkpoint_message(trial: str) -> str:
    """Return the error message for a missing checkpoint of a trial."""
    return f"There is no stored checkpoint of trial {trial}."


def no_attachment_message(exp_key: str, name: str, tid: int | None) -> str:
    """Return the error message for a missing attachment.

    Parameters
    ----------
    exp_key : str
        Name of the experiment.
    name : str
        Name of the attachment.
    tid : int or None
        Number of the trial; None for an attachment of the experiment.
    """
    place = f"experiment {exp_key!r}" if tid is None else f"trial {trial_id(exp_key, tid)}"
    return f"There is no attachment {name!r} of {place}."


def check_size(exp_key: str, name: str, n_bytes: int, max_bytes: int | None) -> None:
    """Check that an attachment is small enough to fetch.

    Parameters
    ----------
    exp_key : str
        Name of the experiment, for the error.
    name : str
        Name of the attachment, for the error.
    n_bytes : int
        Its size.
    max_bytes : int or None
        The limit; None for no limit.

    Raises
    ------
    TooLargeError
        If it is larger than ``max_bytes``.
    """
    if max_bytes is not None and n_bytes > max_bytes:
        raise TooLargeError(
            f"The attachment {name!r} of {exp_key!r} has {n_bytes} bytes, more than {max_bytes}, "
            "and was not fetched."
        )


def _different(stored: Experiment) -> str:
    """Return the beginning of a sentence about a difference."""
    return f"Experiment {stored.exp_key!r} exists with another"


def _different_labels(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    there, here = _parameters(stored), _parameters(wanted)
    changed = {label for label in there.keys() & here.keys() if there[label] != here[label]}
    kinds = {
        "only there": there.keys() - here.keys(),
        "only here": here.keys() - there.keys(),
        "defined differently": changed,
    }
    parts = [f"{kind}: {', '.join(map(repr, sorted(labels)))}" for kind, labels in kinds.items() if labels]
    return "; ".join(parts) or "the same parameters in another structure"


def _other_objective(there: ObjectiveRef, here: ObjectiveRef) -> str:
    """Describe how two objectives differ: by name, or by their parts if sent by value under one name."""
    if here.digest is None or there.digest is None or here.ref != there.ref or not there.parts:
        return f"{there.identity!r} there, {here.identity!r} here"
    changed = [name for name, part in here.parts.items() if there.parts.get(name, part) != part]
    functions, values = _split(changed)
    parts = []
    if functions or not values or here.parts.keys() != there.parts.keys():
        parts.append("other code" + _named(" in", functions))
    if values:
        parts.append(_named("another value of" if len(values) == 1 else "other values of", values))
    return f"{here.ref!r} has {' and '.join(parts)} here{_RUN_ADVICE if values else ''}"


def _split(parts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the functions and classes, whose names end in "()", and the values among some parts."""
    names = list(parts)
    return [n for n in names if n.endswith("()")], [n for n in names if not n.endswith("()")]


def _named(word: str, names: Sequence[str]) -> str:
    """Return the first few names after a word; an empty text if there are none."""
    if not names:
        return ""
    rest = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"{word} {', '.join(map(repr, names[:_MOST_NAMES]))}{rest}"


def _parameters(space: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a space in JSON form, by label."""
    return {parameter["label"]: parameter for parameter in space.get("parameters", ())}
