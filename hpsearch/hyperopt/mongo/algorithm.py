"""The algorithm of a script: a built-in one by name, or a function called in this process."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from hpsearch.core.experiment import SCRIPTED, Algorithm
from hpsearch.core.history import History
from hpsearch.hyperopt import anneal, auto, rand, tpe
from hpsearch.hyperopt.engine.documents import spec_from_misc
from hpsearch.hyperopt.engine.domain import Domain
from hpsearch.hyperopt.engine.points import complete_point
from hpsearch.hyperopt.engine.suggest import MAX_SEED, ask_within_conditions
from hpsearch.hyperopt.migration.job_import import point_of
from hpsearch.hyperopt.mongo.objective import callable_name
from hpsearch.space.expression import as_python
from hpsearch.space.tree import Values
from hpsearch.suggest.names import BELIEVE
from hpsearch.suggest.protocol import Suggestion

#: The built-in algorithms: function, name in hpsearch, and Hyperopt's names of the options.
_BUILT_IN: tuple[tuple[Any, str, frozenset[str]], ...] = (
    (tpe.suggest, "tpe", frozenset({"n_startup_jobs", "n_EI_candidates", "prior_weight", "gamma"})),
    (auto.suggest, "auto", frozenset({"n_startup_jobs"})),
    (rand.suggest, "random", frozenset()),
    (anneal.suggest, "anneal", frozenset({"avg_best_idx", "shrink_coef"})),
)

#: Our names of options with another name in Hyperopt.
_RENAMED: Mapping[str, str] = {"n_startup_jobs": "n_startup", "n_EI_candidates": "n_candidates"}

#: Seconds after which a round asks for no further point.
_LONGEST_ROUND_S = 1.0

#: Arguments without effect.
_IGNORED = frozenset({"verbose"})


def algorithm_of(algo: Callable[..., Any], believe: Sequence[str] = ()) -> Algorithm:
    """Return the experiment's description of a function of Hyperopt's protocol.

    A built-in algorithm, also in a ``partial`` with options, is described by name and options, so
    that any coordinator can continue the search. Any other function is "script": only the script can.

    Parameters
    ----------
    algo : callable
        The function.
    believe : sequence of str
        What the user believes about the best point.
    """
    inner, given = algo, {}
    if isinstance(algo, functools.partial) and not algo.args:
        inner, given = algo.func, algo.keywords
    # Every argument that accepts None has it as default.
    given = {k: as_python(v) for k, v in given.items() if k not in _IGNORED and v is not None}
    for built_in, name, options in _BUILT_IN:
        if inner is built_in and given.keys() <= options:
            chosen = {_RENAMED.get(key, key): value for key, value in given.items()}
            if "gamma" in chosen:  # Hyperopt's gamma is a factor of the square root
                chosen["growth"] = "sqrt"
            return Algorithm(name=name, options=chosen | ({BELIEVE: list(believe)} if believe else {}))
    return Algorithm(name=SCRIPTED, options={"function": callable_name(inner)})


class FunctionSuggester:
    """A ``Suggester`` that calls a function of Hyperopt's protocol, for one point at a time.

    Parameters
    ----------
    algo : callable
        ``algo(new_ids, domain, trials, seed)`` returns documents; an empty list ends the search.
    domain : Domain
        Objective and space.
    trials : MongoTrials
        The trials that the function sees, including those it suggested in the same round.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        algo: Callable[..., Any],
        domain: Domain,
        trials: Any,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._algo, self._domain, self._trials, self._clock = algo, domain, trials, clock
        self._space = domain.space
        self.is_exhausted = False  #: whether the function returned no document

    def suggest(
        self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
    ) -> list[Suggestion]:
        """Return the points that the function suggests; see ``Suggester``.

        The function reads documents, so history and pending points are not used. A slow function
        is asked for fewer points in a round, so that workers do not wait for the last of them.

        Raises
        ------
        SpaceError
            If it suggests a point that is invalid in the space.
        """
        if self.is_exhausted:
            return []
        stop_at = self._clock() + _LONGEST_ROUND_S
        new_ids = self._trials.new_trial_ids(len(rngs))
        self._trials.refresh()
        suggestions: list[Suggestion] = []
        for tid, rng in zip(new_ids, rngs, strict=True):
            ask = functools.partial(self._algo, [tid], self._domain, self._trials)
            docs = ask_within_conditions(self._space, ask, int(rng.integers(MAX_SEED)))
            if not docs:
                self.is_exhausted = True
                break
            self._trials.show_suggested(docs[:1])
            point = complete_point(self._space, spec_from_misc(docs[0]["misc"]))
            values = point_of(self._space, point)
            suggestions.append(Suggestion(values=values, origin=SCRIPTED))
            if self._clock() >= stop_at:
                break
        self._trials.refresh()
        return suggestions
