"""Suggestions of TPE: a multivariate tree-structured Parzen estimator (Bergstra et al. 2011, section 4).

``split`` divides the finished trials into good and bad ones, ``parzen`` fits a mixture of kernels over the
tree of parameters to each group, and ``candidates`` draws from the good mixture and ranks what it drew by the
ratio of the two densities. In a discrete space the best untried candidate is suggested.

The state between calls (``HistorySummary``, ``TriedPoints``) is a function of the history and is updated at
the cost of the new trials. So a suggestion takes the same time after any number of trials, and a new process
makes the same suggestions.

Pending trials only prevent repeats. Counting them as bad ("constant liar") was measured to help no more than
it hurts: randomly drawn candidates are diverse already, and a pending point near the optimum would push the
next one away from it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import numpy as np

from hpsearch.core.history import Bools, Floats, History
from hpsearch.errors import ConfigurationError
from hpsearch.space.distribution import Numeric
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.allowed import allowed_points
from hpsearch.suggest.beliefs import Beliefs
from hpsearch.suggest.discrete import KnownPoints, TriedPoints, can_repeat, find_new_point
from hpsearch.suggest.preference import Preference, preference
from hpsearch.suggest.protocol import Suggestion, experiment_rng
from hpsearch.suggest.tpe.candidates import ranked_candidates
from hpsearch.suggest.tpe.kernels import smallest_bandwidth
from hpsearch.suggest.tpe.parzen import Mixtures, fit, kernel_layout
from hpsearch.suggest.tpe.sobol import sobol_points
from hpsearch.suggest.tpe.split import (
    EMPTY,
    GROWTHS,
    bad_log_weights,
    good_log_weights,
    n_good,
    split,
    summarize,
)

#: How the first points may be drawn.
STARTS = ("random", "sobol")

#: Random draws after all candidates turned out to be known points.
_N_RETRIES = 20

#: Further sets of candidates while conditions forbid all of them.
_N_REDRAWS = 4

#: Points of the Sobol' sequence for each trial, if conditions forbid some.
_N_SOBOL = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TPEOptions:
    """Options of ``tpe``; the defaults suit most searches."""

    n_startup: int = 10  #: until this many trials have finished, points are drawn from the prior
    start: str = "random"  #: how these are drawn: "random", or by a "sobol" sequence
    n_candidates: int = 48  #: points drawn from the good mixture for each suggestion; positive
    gamma: float = 0.1  #: share of finished trials that are good, in (0, 1] ...
    growth: str = "linear"  #: ... or, with "sqrt", factor of the square root of their number
    prior_weight: float = 1.0  #: weight of the prior, in observations; positive

    def __post_init__(self) -> None:
        _require(_is_whole(self.n_startup) and self.n_startup >= 0, "n_startup", "a whole number from 0 up")
        _require(self.start in STARTS, "start", " or ".join(map(repr, STARTS)))
        _require(
            _is_whole(self.n_candidates) and self.n_candidates > 0, "n_candidates", "a whole number from 1 up"
        )
        _require(self.growth in GROWTHS, "growth", " or ".join(map(repr, GROWTHS)))
        _require(_is_number(self.gamma) and 0 < self.gamma <= 1, "gamma", "a number above 0, up to 1")
        _require(
            _is_number(self.prior_weight) and 0 < self.prior_weight < math.inf,
            "prior_weight",
            "a finite number above 0",
        )


class TPE:
    """Proposes points where good trials are dense and bad ones are not.

    Parameters
    ----------
    space : Space
        The space to search.
    options : TPEOptions, optional
        The defaults if not given.
    beliefs : Beliefs, optional
        What a user believes about the best point.
    """

    def __init__(
        self, space: Space, options: TPEOptions | None = None, beliefs: Beliefs | None = None
    ) -> None:
        self.space = space
        self.options = options or TPEOptions()
        self._layout = kernel_layout(space)
        self._labels = [
            (parameter.label, row, isinstance(parameter.distribution, Numeric))
            for parameter, row in zip(space.parameters, self._layout.rows.tolist(), strict=True)
        ]
        self._can_repeat = can_repeat(space)
        self._allowed = allowed_points(space)
        self._beliefs = beliefs
        self._tried = TriedPoints()
        self._history: History | None = None
        self._summary = EMPTY

    def suggest(
        self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
    ) -> list[Suggestion]:
        """Propose as many points as there are generators; see ``Suggester``.

        Pending points only prevent repeats in discrete spaces. There, a point is suggested twice only when
        all were tried, or when the space is infinite and every draw gave a known point.
        """
        if not rngs:
            return []
        self._read(history)
        known = KnownPoints(history, self._tried.read(history), pending) if self._can_repeat else None
        suggestions = []
        for rng, proposals in zip(rngs, self._proposals(history, pending, rngs), strict=True):
            suggestion = self._first_new(proposals, known, rng)
            if known is not None:
                known.add(suggestion.values)
            suggestions.append(suggestion)
        return suggestions

    def _read(self, history: History) -> None:
        is_grown = history is self._history and len(history) >= self._summary.n
        self._summary = summarize(history.losses, self._summary if is_grown else EMPTY)
        self._history = history

    def _proposals(
        self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
    ) -> Iterator[Iterator[Suggestion]]:
        """Yield for each generator its possible suggestions: the best first, draws from the prior last."""
        firsts: Iterable[Iterable[Suggestion]] = ()
        # Start-up counts finished trials only, so that the number of workers does not matter.
        if len(history) >= self.options.n_startup:
            mixtures = self._mixtures(history)
            prefer = None if self._beliefs is None else preference(self._beliefs, history)
            n = self.options.n_candidates
            firsts = map(self._points, ranked_candidates(mixtures, n, rngs, prefer, self._allowed))
            if self._allowed is not None:
                more = functools.partial(self._more_candidates, mixtures, prefer)
                firsts = (chain(own, more(rng)) for own, rng in zip(firsts, rngs, strict=True))
        elif self.options.start == "sobol" and self.space.parameters:
            firsts = ([point] for point in self._sobol_points(history, pending, rngs))
        for rng, first in zip(rngs, chain(firsts, repeat(())), strict=False):
            yield chain(first, self._draws(rng))

    def _mixtures(self, history: History) -> Mixtures:
        """Fit the mixtures of the good and of the bad trials."""
        groups = split(self._summary, n_good(len(history), self.options.gamma, self.options.growth))
        prior_weight = self.options.prior_weight
        return fit(
            self._layout,
            history.values,
            history.active,
            (groups.good, groups.bad),
            (
                good_log_weights(len(groups.good), prior_weight),
                bad_log_weights(len(groups.bad), prior_weight),
            ),
            smallest_bandwidth(len(history)),
        )

    def _sobol_points(
        self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
    ) -> list[Suggestion]:
        """Return the next points of the sequence that are neither finished nor pending.

        In a discrete space they may be fewer than the generators, since points repeat.
        """
        # One generator for the experiment, so that every trial takes its point from the same sequence.
        n = len(history.whole) + len(pending) + len(rngs)
        points = sobol_points(
            self.space, n * (_N_SOBOL if self.space.conditions else 1), experiment_rng(rngs[0])
        )
        if self.space.conditions:
            points = [point for point in points if self.space.conditions.broken_by(point) is None]
        known = KnownPoints(history, self._tried.read(history), pending)
        left = [Suggestion(values=values, origin="sobol") for values in points if values not in known]
        return left[: len(rngs)]

    def _first_new(
        self, proposals: Iterator[Suggestion], known: KnownPoints | None, rng: np.random.Generator
    ) -> Suggestion:
        """Return the best proposal; in a discrete space the best untried one."""
        best = next(proposals)
        if known is None:
            return best
        for proposal in chain([best], proposals):
            if proposal.values not in known:
                return proposal
        new = None if self.space.n_points is None else find_new_point(self.space, known, rng)
        return best if new is None else Suggestion(values=new, origin="random")

    def _points(self, candidates: Iterator[tuple[Floats, Bools]]) -> Iterator[Suggestion]:
        for values, active in candidates:
            yield Suggestion(values=self._point(values.tolist(), active.tolist()), origin="tpe")

    def _more_candidates(
        self, mixtures: Mixtures, prefer: Preference | None, rng: np.random.Generator
    ) -> Iterator[Suggestion]:
        """Yield further candidates, for a space whose conditions may forbid the first ones."""
        for _ in range(_N_REDRAWS):
            n = self.options.n_candidates
            for drawn in ranked_candidates(mixtures, n, [rng], prefer, self._allowed):
                yield from self._points(drawn)

    def _draws(self, rng: np.random.Generator) -> Iterator[Suggestion]:
        for _ in range(1 + _N_RETRIES):
            yield Suggestion(values=self.space.sample(rng), origin="random")

    def _point(self, values: list[float], active: list[bool]) -> Values:
        """Return a point by label, each value in the type that sampling gives."""
        return {
            label: values[row] if is_float else int(values[row])
            for label, row, is_float in self._labels
            if active[row]
        }


def _require(holds: bool, option: str, what: str) -> None:
    if not holds:
        raise ConfigurationError(f"The option {option} of tpe must be {what}.")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
