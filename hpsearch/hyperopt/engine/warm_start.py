"""The argument ``warm_start`` of ``fmin`` in one process: the first points come from earlier ``Trials``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from hpsearch.core.history import History
from hpsearch.errors import ConfigurationError
from hpsearch.hyperopt.engine.documents import Doc, new_misc, spec_from_misc
from hpsearch.hyperopt.engine.domain import Domain
from hpsearch.hyperopt.engine.history_reader import HistoryReader
from hpsearch.runtime.numerics import isolated_numerics
from hpsearch.space.tree import Space, Values
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

#: An algorithm of Hyperopt's protocol.
Algo = Callable[..., Any]


def warm_started(algo: Algo, space: Space, sources: Any) -> Algo:
    """Return an algorithm that suggests points of earlier searches first.

    Parameters
    ----------
    algo : callable
        Suggests all later points.
    space : Space
        The space of the new search.
    sources : Trials or iterable of Trials
        The earlier searches. One whose space is unknown, such as one from a file, is taken to have the new
        space.

    Raises
    ------
    ConfigurationError
        If one is not ``Trials``, or has no successful trial in the new space.
    """
    points = _points(space, _listed(sources))
    left: list[Values] | None = None

    def suggest(new_ids: Sequence[Any], domain: Domain, trials: Any, seed: Any) -> Any:
        nonlocal left
        if left is None:
            known = [spec_from_misc(doc["misc"]) for doc in trials.trials]
            left = [values for values in points if values not in known]
        docs = [_doc(tid, values, domain, trials) for tid, values in zip(new_ids, left, strict=False)]
        del left[: len(docs)]
        others = new_ids[len(docs) :]
        return docs + list(algo(others, domain, trials, seed) if others else [])

    return suggest


def _listed(sources: Any) -> list[Any]:
    """Return the earlier searches as objects with documents."""
    is_one = hasattr(sources, "trials") or isinstance(sources, str) or not isinstance(sources, Iterable)
    found = [sources] if is_one else list(sources)
    for one in found:
        if not hasattr(one, "trials"):
            advice = "; names of searches need MongoTrials" if isinstance(one, str) else ""
            raise ConfigurationError(
                "Without MongoTrials, warm_start lists the Trials of earlier searches, "
                f"not {one!r:.80}{advice}."
            )
    return found


def _points(space: Space, sources: Sequence[Any]) -> list[Values]:
    """Return the points to try first, in order."""
    # Only here, since it imports the GP.
    from hpsearch.suggest.warm_start.portfolio import portfolio

    found = [_source(space, trials) for trials in sources]
    for number, source in enumerate(found):
        if not has_loss_in(source):
            raise ConfigurationError(
                f"Search {number} of warm_start has no successful trial within the ranges and options of "
                "this space; leave it out."
            )
    points: list[Values] = []
    with isolated_numerics():
        for i, chosen in enumerate(portfolio(space, found)):
            values = complete(space, chosen.trial.values, trial_rng(0, i))
            if values not in points:
                points.append(values)
    return points


def _source(space: Space, trials: Any) -> Source:
    """Return a bounded number of trials of an earlier search, mapped to the new space."""
    spaces = (getattr(trials, name, None) for name in ("space", "search_space"))
    there = next((known for known in spaces if isinstance(known, Space)), space)
    history, _ = HistoryReader(there).read(list(trials.trials))
    match = SpaceMatch(there, space)
    ranked = np.argsort(history.losses, kind="stable")  # failed ones, NaN, are last
    n = len(history)
    rows = {*ranked[:N_BEST].tolist(), *range(min(N_FIRST, n)), *range(max(0, n - N_NEWEST), n)}
    found = []
    for row in sorted(rows):
        values = match.point(_values(history, row))
        if values is not None:
            found.append(SourceTrial(tid=row, values=values, loss=float(history.losses[row])))
    return Source(known=match.known, trials=found)


def _values(history: History, row: int) -> Values:
    return {
        parameter.label: history.values[row, j]
        for j, parameter in enumerate(history.space.parameters)
        if history.active[row, j]
    }


def _doc(tid: Any, values: Values, domain: Domain, trials: Any) -> Doc:
    misc = new_misc(tid, values, domain.params, domain.cmd, domain.workdir)
    (doc,) = trials.new_trial_docs([tid], [None], [domain.new_result()], [misc])
    found: Doc = doc
    return found
