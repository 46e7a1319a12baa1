"""Creates or joins the experiment of a search whose trials are asked for."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hpsearch.coordination.outcome_rules import check_outcomes
from hpsearch.core.experiment import ASKED, UNDECIDED, Algorithm, Experiment, ExperimentState
from hpsearch.core.outcomes import outcomes_from, outcomes_text
from hpsearch.errors import ConfigurationError, HpsearchWarning, NotFoundError
from hpsearch.space.tree import Space
from hpsearch.store.checks import check_same_space
from hpsearch.store.protocol import TrialStore


def join(
    store: TrialStore,
    exp_key: str,
    space: Any,
    *,
    begun: Mapping[str, Any],
    budget: Mapping[str, Any],
    defaults: Mapping[str, Any],
    restarts: bool,
) -> tuple[Experiment, Space]:
    """Create or join the experiment of a search, and return it with its space.

    Parameters
    ----------
    store : TrialStore
        The store.
    exp_key : str
        Name of the search.
    space : object
        As for ``open``.
    begun : mapping
        Arguments of ``open`` that only a new search takes, those that were given.
    budget : mapping
        Fields of ``Budget`` to change.
    defaults : mapping
        Fields of ``Defaults`` to change.
    restarts : bool
        Whether a search that has ended goes on even if nothing is changed.

    Raises
    ------
    HpsearchError
        As ``open`` does.
    """
    tree = None if space is None else space if isinstance(space, Space) else Space(space)
    known = _known(store, exp_key, tree, {**budget, **defaults})
    is_new = known is None or known.objective == UNDECIDED
    if known is None:
        known = _new(exp_key, tree, **begun)
    elif known.objective == UNDECIDED:
        decided = _new(exp_key, tree or Space.from_json(known.space), **begun)
        known = replace(known, objective=ASKED, algorithm=decided.algorithm, seed=decided.seed)
    else:
        _check_declared(known, begun)
        _warn_ignored(known, begun)
    wanted = replace(
        known, budget=replace(known.budget, **budget), defaults=replace(known.defaults, **defaults)
    )
    check_outcomes(wanted)
    if known.objective == ASKED and (is_new or restarts or wanted != known):
        known = store.open_experiment(replace(wanted, state=ExperimentState.RUNNING))
    return known, tree or Space.from_json(known.space)


def _known(
    store: TrialStore, exp_key: str, space: Space | None, settings: Mapping[str, Any]
) -> Experiment | None:
    """Return the existing search, after a check that these arguments may join it; None if there is none."""
    try:
        known = store.experiment(exp_key)
    except NotFoundError:
        return None
    if space is not None:
        check_same_space(known, space.fingerprint, space.to_json())
    if settings and known.objective not in (ASKED, UNDECIDED):
        raise ConfigurationError(
            f"The limits and defaults of {exp_key} are set by the command that began it; "
            f"leave out {', '.join(settings)}."
        )
    return known


def _new(
    exp_key: str,
    space: Space | None,
    algo: str = "auto",
    algo_options: Mapping[str, Any] | None = None,
    seed: int | None = None,
    objectives: Mapping[str, str] | None = None,
    limits: Mapping[str, str] | None = None,
) -> Experiment:
    if space is None:
        raise NotFoundError(f"There is no search {exp_key!r}; give a space to begin it.")
    from hpsearch.suggest.algorithms import make_suggester  # slow to import, and only needed here

    goal, outcomes = outcomes_from(objectives, limits)
    algorithm = Algorithm(name=algo, options=algo_options or {})
    make_suggester(algorithm, space)  # refuses an invalid option before anything is stored
    return Experiment(
        exp_key=exp_key,
        space=space.to_json(),
        space_fingerprint=space.fingerprint,
        objective=ASKED,
        goal=goal,
        outcomes=outcomes,
        algorithm=algorithm,
        seed=secrets.randbelow(2**31) if seed is None else seed,
    )


def _check_declared(known: Experiment, begun: Mapping[str, Any]) -> None:
    """Refuse other objectives or limits than those that the search was begun with."""
    declared = outcomes_from(begun.get("objectives"), begun.get("limits"))
    if {"objectives", "limits"} & begun.keys() and declared != (known.goal, known.outcomes):
        raise ConfigurationError(
            f"The search {known.exp_key!r} {outcomes_text(known.goal, known.outcomes)}; "
            f"choose another name for one that {outcomes_text(*declared)}."
        )


def _warn_ignored(known: Experiment, begun: Mapping[str, Any]) -> None:
    """Warn if an argument differs from what the search was begun with."""
    stored = {"algo": known.algorithm.name, "algo_options": known.algorithm.options, "seed": known.seed}
    for name, given in begun.items():
        if name in stored and given != stored[name]:
            text = f"{name}={given!r} is ignored: {known.exp_key} was begun with {stored[name]!r}."
            warnings.warn(text, HpsearchWarning, stacklevel=3)


def given(**settings: Any) -> dict[str, Any]:
    """Return the settings that are not None."""
    return {name: value for name, value in settings.items() if value is not None}
