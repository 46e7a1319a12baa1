"""Imports a study into a store, so that the search goes on here."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hpsearch.coordination.imported_search import open_imported
from hpsearch.core.experiment import Experiment, invalid_exp_key, is_exp_key
from hpsearch.core.goal import Goal
from hpsearch.core.trial import State, Trial
from hpsearch.errors import ConfigurationError, LoadError, NotFoundError, SpaceError, TrialExistsError
from hpsearch.integrations.optuna.journal import read_journal
from hpsearch.integrations.optuna.library import read_study, read_url
from hpsearch.integrations.optuna.space import constants_of, reconstruct
from hpsearch.integrations.optuna.sqlite import read_sqlite
from hpsearch.integrations.optuna.study import Study, TrialState
from hpsearch.integrations.optuna.trials import ORIGIN, converted
from hpsearch.objective.space_table import space_of
from hpsearch.runtime.escaping import one_line
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialStore

#: Trials that are inserted together.
_BATCH = 1_000

#: How a SQLite file begins.
_SQLITE_MAGIC = b"SQLite format 3\0"

#: The URL of a SQLite file, before its path.
_SQLITE_URL = "sqlite:///"

#: What to do about a trial that does not fit the space of an earlier import.
_ADVICE = "The space is that of an earlier import: import the whole study under another name."

#: Maximum length of the reason why a trial is left out.
_MAX_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did."""

    exp_key: str  #: name of the experiment
    space: Mapping[str, Any] | None  #: the reconstructed space, as files with a space hold it
    counts: Mapping[State, int]  #: number of new trials by state
    n_here: int  #: number of trials that were there already
    skipped: Sequence[str]  #: a sentence for each trial that was left out
    notes: Sequence[str]  #: sentences about the reconstructed space


def study_of(source: Any, name: str | None = None) -> Study:
    """Return a study from anything that holds it.

    Parameters
    ----------
    source : str, Path or optuna.Study
        A SQLite or journal file, ``sqlite:///FILE``, another URL of Optuna, or an open study.
    name : str, optional
        Of the study; by default the only one.

    Raises
    ------
    LoadError
        If it cannot be read, or has no such study.
    """
    if not isinstance(source, str | os.PathLike):
        return read_study(source)
    text = os.fspath(source)
    if "://" in text and not text.startswith(_SQLITE_URL):
        return read_url(text, name)
    path = Path(text.removeprefix(_SQLITE_URL).partition("?")[0])
    try:
        with path.open("rb") as file:
            start = file.read(len(_SQLITE_MAGIC))
    except OSError as error:
        raise LoadError(f"There is no study in {path}: {error.strerror}.") from error
    return read_sqlite(path, name) if start == _SQLITE_MAGIC else read_journal(path, name)


def import_study(
    store: TrialStore,
    study: Study,
    exp_key: str | None = None,
    *,
    space: Space | None = None,
    objective: int | None = None,
    skips_invalid: bool = False,
) -> Imported:
    """Import the trials of a study that are not in the store yet.

    Parameters
    ----------
    store : TrialStore
        The store.
    study : Study
        The study.
    exp_key : str, optional
        Name of the experiment; by default that of the study.
    space : Space, optional
        The search space; by default that of an existing experiment, or it is reconstructed.
    objective : int, optional
        Which value of a study with several is the loss, from 0.
    skips_invalid : bool
        Whether trials whose parameters do not fit the space are left out.

    Raises
    ------
    SpaceError
        If the space cannot be reconstructed, or a complete trial does not fit it.
    ConfigurationError
        If the name is invalid, or the study has several values.
    ExperimentMismatchError
        If an experiment of the name has another space or goal.
    """
    name = study.name if exp_key is None else exp_key
    if not is_exp_key(name):
        raise ConfigurationError(invalid_exp_key(name))
    loss = _loss_index(study, objective)
    found = reconstruct(study.trials) if space is None and not _exists(store, name) else None
    if found is not None:
        space = Space(space_of(found.document))
    elif space is None:
        space = Space.from_json(store.experiment(name).space)
    experiment = open_imported(store, name, space, Goal(maximize=study.maximizes[loss]))
    here = _origins(store, name)
    new, skipped = _converted(study, experiment, space, loss, here, skips_invalid=skips_invalid)
    _insert(store, experiment, new)
    n_here = sum(f"{ORIGIN}{trial.number}" in here for trial in study.trials)
    counts = Counter(trial.state for trial in new)
    return Imported(
        exp_key=name,
        space=found.document if found else None,
        counts=counts,
        n_here=n_here,
        skipped=skipped,
        notes=found.notes if found else (),
    )


def _loss_index(study: Study, objective: int | None) -> int:
    n = len(study.maximizes)
    if objective is None and n > 1:
        raise ConfigurationError(f"The study has {n} values; choose the one to search by, from 0 to {n - 1}.")
    if objective is not None and objective >= n:
        raise ConfigurationError(f"The study has no value {objective}; the last one is {n - 1}.")
    return objective or 0


def _exists(store: TrialStore, exp_key: str) -> bool:
    try:
        store.experiment(exp_key)
    except NotFoundError:
        return False
    return True


def _converted(
    study: Study,
    experiment: Experiment,
    space: Space,
    objective: int,
    here: set[str],
    *,
    skips_invalid: bool,
) -> tuple[list[Trial], list[str]]:
    """Return the new trials, and a sentence for each one that is left out.

    Trials that ended before all their parameters were suggested have no loss, and are left out in any case.
    """
    new, skipped, constants = list[Trial](), list[str](), constants_of(study.trials)
    for source in study.trials:
        if f"{ORIGIN}{source.number}" in here:
            continue
        if source.state is TrialState.RUNNING:
            skipped.append(f"Trial {source.number} is still running; import again when it has ended.")
            continue
        try:
            new.append(converted(source, experiment, space, constants, objective))
        except SpaceError as error:
            text = f"Trial {source.number} ({source.state.name.lower()}): {one_line(str(error), _MAX_REASON)}"
            if source.state is TrialState.COMPLETE and not skips_invalid:
                raise SpaceError(f"{text} {_ADVICE}" if here else text) from error
            skipped.append(text)
    return new, skipped


def _insert(store: TrialStore, experiment: Experiment, trials: Sequence[Trial]) -> None:
    """Insert trials under the next free numbers; a coordinator may take some at the same time."""
    rest = list(trials)
    while rest:
        newest = next(iter(store.trials(experiment.exp_key, sort="newest", limit=1)), None)
        first = 0 if newest is None else newest.tid + 1
        batch = [replace(trial, tid=first + i) for i, trial in enumerate(rest[:_BATCH])]
        try:
            store.insert(batch)
            rest = rest[_BATCH:]
        except TrialExistsError:
            here = _origins(store, experiment.exp_key)
            rest = [trial for trial in rest if trial.origin not in here]
    if trials:
        store.revise(experiment.exp_key)


def _origins(store: TrialStore, exp_key: str) -> set[str]:
    return {trial.origin for trial in store.trials(exp_key)}
