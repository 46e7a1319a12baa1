"""What every store checks before it writes; pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from hpsearch.core.experiment import UNDECIDED, Experiment, ObjectiveRef, changed_parts
from hpsearch.core.trial import FINISHED, State, Trial, trial_id
from hpsearch.errors import ExperimentMismatchError, StoreError, TooLargeError
from hpsearch.store.documents.encoding import encoded

#: What can be attached; bytes that can change must not, until they are stored.
Content = bytes | bytearray | memoryview

_CANCELLABLE = {State.PENDING, State.RUNNING}

#: States in which the attempt whose token the trial carries counts; a token outlives its lease.
_STANDING = FINISHED | {State.RUNNING}

#: Places of a file that an experiment remembers.
_MOST_PATHS = 10

#: Parts of an objective that a message names.
_MOST_NAMES = 5

_RUN_ADVICE = (
    "; what changes from run to run does not belong into the objective: read it inside of the function, "
    "or pass it by the environment"
)

_CHANGE_ADVICE = (
    "begin another search with --exp-key NEW, or go on with the code as it is now, from the losses of the "
    "former, with --accept-changed-objective."
)

_ADVICE = "use another --exp-key for a new search, or the original to go on with this one."


def check_joinable(stored: Experiment, wanted: Experiment, *, accepts_change: bool = False) -> None:
    """Return if ``wanted`` is the same search as ``stored``, or decides what that one leaves open.

    Raises
    ------
    ExperimentMismatchError
        Saying whether the space differs, and in which labels, or the objective, and in what it uses.
    """
    begin = f"Experiment {stored.exp_key!r} exists with another"
    if stored.space_fingerprint != wanted.space_fingerprint:
        raise ExperimentMismatchError(f"{begin} search space: {_difference(stored, wanted)}", _ADVICE)
    mine, theirs = wanted.objective, stored.objective
    if theirs != UNDECIDED and (mine.kind, mine.identity) != (theirs.kind, theirs.identity):
        raise ExperimentMismatchError(f"{begin} objective: {_other_objective(theirs, mine)}", _ADVICE)
    changed = changed_parts(theirs, mine)
    if changed and not accepts_change:
        raise ExperimentMismatchError(
            f"{begin} objective: {mine.ref!r} has been changed since, {differing_code(changed)}",
            _CHANGE_ADVICE,
        )


def joined_objective(there: ObjectiveRef, here: ObjectiveRef) -> ObjectiveRef:
    """Return the objective of an experiment after one that may join it has done so.

    It takes over code that was accepted, or not known before, and remembers where its file is here.
    """
    if there == UNDECIDED:
        return there  # decided on as a whole
    is_new = there.fingerprint is None and here.fingerprint is not None
    objective = here if is_new or changed_parts(there, here) else there
    if here.path is None or (not there.paths and here.path == there.path):
        return objective
    known = dict.fromkeys([here.path, *there.paths, *([there.path] if there.path else [])])
    return replace(objective, paths=tuple(known)[:_MOST_PATHS])


def code_before(before: ObjectiveRef, after: ObjectiveRef) -> str | None:
    """Return the fingerprint that an objective had before its code was changed, None if it was not."""
    return None if before.fingerprint == after.fingerprint else before.fingerprint


def differing_code(changed: Sequence[str]) -> str:
    """Say in which functions, classes and other parts, by name, the code of two objectives differs."""
    code = [name for name in changed if name.endswith("()")]
    values = [name for name in changed if not name.endswith("()")]
    told = [_named("in", code)] * bool(code) + [_named("in what defines", values)] * bool(values)
    return " and ".join(told)


def check_insertable(trials: Sequence[Trial]) -> None:
    """Return if all trials are new, or final with an outcome that fits.

    Raises
    ------
    ValueError
        Naming the first that is neither, and why.
    """
    for trial in trials:
        if not trial.state.is_final and (trial.state is not State.PENDING or trial.attempt):
            raise ValueError(
                f"trial {trial.id} is {trial.state}; "
                "only pending, unclaimed trials and final ones are inserted"
            )
        has_loss = trial.loss is not None and not math.isnan(trial.loss)
        if has_loss != (trial.state is State.DONE):
            raise ValueError(
                f"trial {trial.id} is {trial.state} with the loss {trial.loss}; done means to have one"
            )
        if trial.owner is not None or trial.lease_until is not None:
            raise ValueError(f"trial {trial.id} is inserted under a claim; leave owner and lease_until out")


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
    """Whether a repeated insert means the trial that is there.

    That is its point, and, if it came in final, its outcome: not what became of it since.
    """
    if (mine.values, mine.origin, mine.priority) != (stored.values, stored.origin, stored.priority):
        return False
    return not mine.state.is_final or (mine.state, mine.loss) == (stored.state, stored.loss)


def received(trial: Trial, now: datetime) -> Trial:
    """Return a new trial with the times that the store gives it: an imported one keeps its own."""
    if not trial.state.is_final:
        return replace(trial, created_at=now)
    return replace(trial, created_at=trial.created_at or now, finished_at=trial.finished_at or now)


def visible_attempts(state: State, owner: str | None, attempt: int) -> list[int]:
    """Return the attempts whose attachments are those of a trial (13)."""
    is_standing = owner is not None and state in _STANDING
    return [0, attempt] if is_standing else [0]


def replaced_attempts(attempt: int) -> tuple[int, int | None]:
    """Return the first and the last attempt whose older attachments one of this attempt replaces.

    None is without end. What an attempt writes hides nothing that belongs to the trial
    itself, since the attempt may still be lost.
    """
    return (1, attempt) if attempt else (0, None)


def stored_name(name: Any) -> str:
    """Return the name of an attachment as it is stored.

    Raises
    ------
    StoreError
        If it is not text.
    """
    if not isinstance(name, str):
        raise StoreError(f"The name of an attachment is {name!r:.80}, which is not text; use a str.")
    return str(encoded(name, "name"))


def checked_content(name: str, data: Any) -> Content:
    """Return the content of an attachment, as it is where its bytes lie side by side.

    Raises
    ------
    StoreError
        If it is not bytes.
    """
    if not isinstance(data, bytes | bytearray | memoryview):
        kind = type(data).__qualname__
        raise StoreError(f"The attachment {name!r} is a {kind}, not bytes; encode or pickle it first.")
    if isinstance(data, memoryview) and not (data.c_contiguous and data.nbytes):
        return bytes(data)  # scattered, or nothing
    found: Content = data
    return found


def no_attachment(exp_key: str, name: str, tid: int | None) -> str:
    """Return the sentence that says so."""
    place = f"experiment {exp_key!r}" if tid is None else f"trial {trial_id(exp_key, tid)}"
    return f"There is no attachment {name!r} of {place}."


def check_size(exp_key: str, name: str, n_bytes: int, max_bytes: int | None) -> None:
    """Return if an attachment is small enough to be fetched.

    Raises
    ------
    TooLargeError
        If it takes more than ``max_bytes``.
    """
    if max_bytes is not None and n_bytes > max_bytes:
        raise TooLargeError(
            f"The attachment {name!r} of {exp_key!r} takes {n_bytes} bytes, more than {max_bytes}, "
            "and was not fetched."
        )


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


def _other_objective(there: ObjectiveRef, here: ObjectiveRef) -> str:
    """Say in what two objectives differ; of two with one name by value, in which of their parts."""
    if here.digest is None or there.digest is None or here.ref != there.ref or not there.parts:
        return f"{there.identity!r} there, {here.identity!r} here"
    changed = [name for name, part in here.parts.items() if there.parts.get(name, part) != part]
    functions = [name for name in changed if name.endswith("()")]
    values = [name for name in changed if not name.endswith("()")]
    told = []
    if functions or not values or here.parts.keys() != there.parts.keys():
        told.append("other code" + _named(" in", functions))
    if values:
        told.append(_named("another value of" if len(values) == 1 else "other values of", values))
    return f"{here.ref!r} has {' and '.join(told)} here{_RUN_ADVICE if values else ''}"


def _named(word: str, names: Sequence[str]) -> str:
    """Return the first few names after a word, nothing if there are none."""
    if not names:
        return ""
    rest = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"{word} {', '.join(map(repr, names[:_MOST_NAMES]))}{rest}"


def _parameters(space: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a space's JSON form by label."""
    return {parameter["label"]: parameter for parameter in space.get("parameters", ())}
