"""The argument ``warm_start`` of ``fmin`` with ``MongoTrials``: names of searches in the same database."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hpsearch.coordination.warm_start import choose_warm_start
from hpsearch.core.experiment import Experiment
from hpsearch.errors import ConfigurationError, NotFoundError
from hpsearch.runtime.events import Event
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialStore

if TYPE_CHECKING:
    from hpsearch.hyperopt.mongo.trials import MongoTrials

logger = logging.getLogger(__name__)

#: Names of searches to start from; empty for none, None for all similar ones.
Sources = Sequence[str] | None


def sources_of(given: Any, trials: MongoTrials) -> Sources:
    """Return the searches that the argument names.

    Parameters
    ----------
    given : str, MongoTrials, or a list of these
        "auto", "none", the name of a search, or its trials.
    trials : MongoTrials
        Those of the new search.

    Raises
    ------
    ConfigurationError
        If one is neither a name nor the trials of a search in the same database.
    """
    if isinstance(given, str) and given in {"auto", "none"}:
        return None if given == "auto" else ()
    is_one = hasattr(given, "trials") or isinstance(given, str) or not isinstance(given, Iterable)
    return [_name(one, trials) for one in ([given] if is_one else given)]


def with_warm_start(store: TrialStore, wanted: Experiment, space: Space, sources: Sources) -> Experiment:
    """Return an experiment with its warm start, unless it exists already.

    Parameters
    ----------
    store : TrialStore
        The store.
    wanted : Experiment
        The experiment to create or join.
    space : Space
        Its space.
    sources : sequence of str or None
        See ``Sources``.

    Raises
    ------
    ConfigurationError, NotFoundError
        As ``choose_warm_start`` does.
    """
    if sources is not None and not sources:
        return wanted
    try:
        stored = store.experiment(wanted.exp_key)
    except NotFoundError:
        return replace(wanted, warm_start=choose_warm_start(store, wanted, space, sources))
    if stored.warm_start is None:
        logger.warning(
            "The experiment %s was created without a warm start, which cannot be changed.",
            wanted.exp_key,
            extra=Event.OPTION_IGNORED.of(option="warm_start", asked=sources, present=None),
        )
    return wanted


def _name(given: Any, trials: MongoTrials) -> str:
    if isinstance(given, str):
        return given
    if isinstance(given, type(trials)) and given.store.database == trials.store.database:
        return given.exp_name
    raise ConfigurationError(
        f"With MongoTrials, warm_start lists searches of the same database by name, not {given!r:.80}."
    )
