"""Reads earlier searches from the store, and chooses the points with which a new one starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import State, Trial, is_unreadable
from hpsearch.core.warm_start import WarmStart, WarmStartPoint, WarmStartSource
from hpsearch.errors import ConfigurationError, NotFoundError, SpaceError
from hpsearch.runtime.numerics import isolated_numerics
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialStore
from hpsearch.suggest.protocol import trial_rng
from hpsearch.suggest.warm_start.sources import (
    N_BEST,
    N_FIRST,
    N_NEWEST,
    Source,
    SourceTrial,
    has_loss_in,
)
from hpsearch.suggest.warm_start.space_match import SpaceMatch, complete

#: Earlier searches that are used unless they are named: the newest ones.
MAX_SOURCES = 20

#: Earlier searches that are looked at for a hint.
_MAX_HINTS = 5

#: Trials of an earlier search that are read, by their order.
_N_READ = {"loss": N_BEST, "tid": N_FIRST, "newest": N_NEWEST}

#: States of the trials of an earlier search that say how good a point is.
_INFORMATIVE = {State.DONE, State.FAILED}


@dataclass(frozen=True, slots=True)
class _Earlier:
    """An earlier search, and how its space corresponds to the new one."""

    experiment: Experiment
    match: SpaceMatch


def choose_warm_start(
    store: TrialStore, experiment: Experiment, space: Space, exp_keys: Sequence[str] | None = None
) -> WarmStart:
    """Choose points of earlier searches in the same store.

    Parameters
    ----------
    store : TrialStore
        The store.
    experiment : Experiment
        The new search, which is not stored yet.
    space : Space
        Its space.
    exp_keys : sequence of str, optional
        Names of the earlier searches; by default the newest ones that searched all parameters of ``space``.

    Returns
    -------
    WarmStart
        The same for the same content of the store. Without sources if there are none to choose from.

    Raises
    ------
    NotFoundError
        If a name is unknown.
    ConfigurationError
        If a named search has no finished trial, or none with a counterpart in ``space``; or if a search has
        several objectives.
    """
    if experiment.has_several_objectives:
        raise ConfigurationError("A warm start needs one objective, and there are several: leave it out.")
    # Only here, since it imports the GP, and most commands choose nothing.
    from hpsearch.suggest.warm_start.portfolio import portfolio

    if exp_keys is None:
        searches = list(_similar(store, experiment, space, MAX_SOURCES))
    else:
        searches = [_named(store, key, experiment, space) for key in dict.fromkeys(exp_keys)]
    found = [(earlier.experiment, _source(store, earlier)) for earlier in searches]
    used = [(earlier, source) for earlier, source in found if has_loss_in(source)]
    if exp_keys is not None and len(used) < len(found):
        raise ConfigurationError(_no_use(store, *next(pair for pair in found if not has_loss_in(pair[1]))))
    with isolated_numerics():
        chosen = portfolio(space, [source for _, source in used])
    points: list[WarmStartPoint] = []
    for i, one in enumerate(chosen):
        values = complete(space, one.trial.values, trial_rng(experiment.seed, i))
        if all(values != point.values for point in points):
            exp_key = used[one.source][0].exp_key
            points.append(WarmStartPoint(values=values, exp_key=exp_key, tid=one.trial.tid))
    return WarmStart(
        sources=tuple(
            WarmStartSource(
                exp_key=earlier.exp_key, created_at=earlier.created_at, n_trials=len(source.trials)
            )
            for earlier, source in used
        ),
        points=tuple(points),
    )


def similar_search(store: TrialStore, experiment: Experiment, space: Space) -> str | None:
    """Return the name of the newest search from which ``experiment`` could start; reads few documents.

    Parameters
    ----------
    store : TrialStore
        The store.
    experiment : Experiment
        The new search.
    space : Space
        Its space.
    """
    if experiment.has_several_objectives:
        return None
    for earlier in _similar(store, experiment, space, _MAX_HINTS):
        best = next(store.points(earlier.experiment.exp_key, sort="loss", limit=1), None)
        if best is not None and earlier.match.point(best.values) is not None:
            return earlier.experiment.exp_key
    return None


def _similar(store: TrialStore, experiment: Experiment, space: Space, limit: int) -> Iterator[_Earlier]:
    """Yield earlier searches of all parameters of a space, with compatible distributions, newest first."""
    found = store.experiments_with(space.nodes, limit=limit + 1)
    others = [one for one in found if one.exp_key != experiment.exp_key and _has_same_goal(one, experiment)]
    for earlier in others[:limit]:
        try:
            match = SpaceMatch(Space.from_json(earlier.space), space)
        except SpaceError:  # its document was altered
            continue
        if match.covers:
            yield _Earlier(earlier, match)


def _has_same_goal(earlier: Experiment, new: Experiment) -> bool:
    return earlier.goal == new.goal and not earlier.has_several_objectives


def _named(store: TrialStore, exp_key: str, wanted: Experiment, space: Space) -> _Earlier:
    """Return an earlier search by name, if it has the same goal and shares a parameter with a space."""
    try:
        experiment = store.experiment(exp_key)
    except NotFoundError as error:
        raise NotFoundError(
            f"There is no experiment {exp_key!r} to start from; `hpsearch status` lists those there are."
        ) from error
    if experiment.has_several_objectives:
        raise ConfigurationError(f"The search {exp_key!r} has several objectives: leave it out.")
    if experiment.goal != wanted.goal:
        raise ConfigurationError(
            f"The search {exp_key!r} {experiment.goal}, this one {wanted.goal}: leave it out."
        )
    try:
        match = SpaceMatch(Space.from_json(experiment.space), space)
    except SpaceError as error:
        raise ConfigurationError(f"The space of {exp_key!r} cannot be read: {error}") from error
    if not match.known:
        raise ConfigurationError(
            f"The search {exp_key!r} shares no parameter with this one: it has "
            f"{_labels(Space.from_json(experiment.space))}, this one has {_labels(space)}."
        )
    return _Earlier(experiment, match)


def _source(store: TrialStore, earlier: _Earlier) -> Source:
    """Read a bounded number of trials of an earlier search, and map them to the new space."""
    found: dict[int, Trial] = {}
    for sort, limit in _N_READ.items():
        for trial in store.points(earlier.experiment.exp_key, sort=sort, limit=limit):
            if trial.state in _INFORMATIVE and trial.invalid is None and not is_unreadable(trial):
                found[trial.tid] = trial
    trials = []
    for tid, trial in sorted(found.items()):
        values = earlier.match.point(trial.values)
        if values is not None:
            loss = np.nan if trial.loss is None or trial.feasible is False else trial.loss
            trials.append(SourceTrial(tid=tid, values=values, loss=loss))
    return Source(known=earlier.match.known, trials=trials)


def _no_use(store: TrialStore, earlier: Experiment, source: Source) -> str:
    """Return the error message for a search without a trial to start from."""
    if not store.counts(earlier.exp_key, {State.DONE})[State.DONE]:
        return f"The search {earlier.exp_key!r} has no successful trial to start from; leave it out, or wait."
    return (
        f"No successful trial of {earlier.exp_key!r} lies within the ranges and options of this search; "
        "leave it out."
    )


def _labels(space: Space) -> str:
    return ", ".join(map(repr, space.nodes)) or "none"
