"""The default algorithm: a GP, TPE and annealing in turn, on one history.

On smooth losses, the GP finds the optimum in few trials, from which the trials of the others gain. On
rugged losses, and in searches too large for a GP, TPE and annealing make progress. In many parameters some
turns stay near the best trial, since most unexplored regions are corners far from anything good.
``auto_schedule`` decides whose turn it is, and ``branches`` which branch of the space needs a trial first. A
few turns evaluate the best point again, to learn whether losses are noisy (``noise``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hpsearch.core.history import History
from hpsearch.errors import ConfigurationError
from hpsearch.space.distribution import Categorical
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.anneal import Anneal
from hpsearch.suggest.auto_schedule import MANY_PENDING, Turn, next_turn, turn_without_gp
from hpsearch.suggest.beliefs import Beliefs
from hpsearch.suggest.branches import Branch
from hpsearch.suggest.gp.search_region import SearchRegion
from hpsearch.suggest.leading_branch import LeadingBranch
from hpsearch.suggest.objectives.suggester import WithOutcomes
from hpsearch.suggest.protocol import Suggester, Suggestion
from hpsearch.suggest.repeat_turns import RepeatTurns
from hpsearch.suggest.tpe.branches import EVERY, BranchTPE
from hpsearch.suggest.tpe.suggest import TPEOptions

if TYPE_CHECKING:
    from hpsearch.suggest.gp.suggest import GaussianProcess

#: Candidates of TPE: fewer than TPE takes alone, since the GP is the greedy one of the two.
_N_CANDIDATES = 24
#: Active features beyond which the GP has no turns: numbers, and options of choices. They cost time alone.
_MAX_FEATURES = 2000
#: Probability that the GP, rather than TPE, proposes a point in a neglected branch.
_GP_SHARE_IN_BRANCH = 0.5
#: Probability that a turn in a space with branches belongs to a search in the best branch alone.
_LEADING_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoOptions:
    """Options of ``auto``; the defaults suit most searches."""

    n_startup: int = 10  #: trials, finished or pending, drawn from the prior first
    max_gp_trials: int = 400  #: finished trials beyond which the GP has no more turns
    max_gp_dims: int = 60  #: active parameters beyond which the GP has no turns
    learns_noise: bool = True  #: whether a few turns evaluate the best point again

    def __post_init__(self) -> None:
        if not isinstance(self.learns_noise, bool):
            raise ConfigurationError("The option learns_noise of auto must be true or false.")
        for name in ("n_startup", "max_gp_trials", "max_gp_dims"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise ConfigurationError(f"The option {name} of auto must be a whole number from 0 up.")


class Auto:
    """Proposes points of a GP, of TPE and of annealing in turn.

    Parameters
    ----------
    space : Space
        The space to search.
    options : AutoOptions, optional
        The defaults if not given.
    beliefs : Beliefs, optional
        What a user believes about the best point.
    """

    def __init__(
        self, space: Space, options: AutoOptions | None = None, beliefs: Beliefs | None = None
    ) -> None:
        self.space = space
        self.options = options or AutoOptions()
        options_of_tpe = TPEOptions(n_startup=self.options.n_startup, n_candidates=_N_CANDIDATES)
        self._beliefs = beliefs
        self._tpe = BranchTPE(space, options_of_tpe, beliefs)
        self._anneal = Anneal(space)
        self._repeats = RepeatTurns(space, is_enabled=self.options.learns_noise)
        n_choices = sum(isinstance(p.distribution, Categorical) for p in space.parameters)
        self._has_many_choices = 2 * n_choices > len(space.parameters)
        self._leading = LeadingBranch(space, self._tpe.branches, self._make_leading)

    def _make_leading(self, space: Space) -> Suggester:
        """Return the search of one branch."""
        beliefs = None if self._beliefs is None else self._beliefs.within(space)
        return WithOutcomes(Auto(space, replace(self.options, learns_noise=False), beliefs))

    def suggest(
        self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
    ) -> list[Suggestion]:
        """Propose as many points as there are generators; see ``Suggester``."""
        is_tpe_only = not self._tpe.branches and len(pending) >= MANY_PENDING and not self._uses_gp(history)
        if is_tpe_only and self._repeats.point(history, pending) is None:
            # In one batch, which is cheaper.
            return self._tpe.suggest_everywhere(self._repeats.firsts(history), pending, rngs)
        waiting = list(pending)
        suggestions = []
        for rng in rngs:
            suggestion = self._propose(history, waiting, rng)
            waiting.append(suggestion.values)
            suggestions.append(suggestion)
        return suggestions

    @cached_property
    def _gp(self) -> GaussianProcess:
        # Importing scipy.optimize takes a third of a coordinator's start, and no startup trial needs it.
        from hpsearch.suggest.gp.suggest import GaussianProcess

        return GaussianProcess(self.space, self._beliefs)

    def _propose(self, history: History, pending: list[Values], rng: np.random.Generator) -> Suggestion:
        """Propose one point."""
        firsts = self._repeats.firsts(history)
        n_trials = len(firsts.whole) + len(pending)
        if n_trials >= self.options.n_startup:
            repeated = self._repeats.point(history, pending)
            if repeated is not None:
                return Suggestion(values=repeated, origin="repeat")
            branch = self._tpe.neglected(firsts, pending)
            if branch is not None:
                return self._propose_in(branch, firsts, pending, rng)
            suggestion = self._propose_in_leading_branch(firsts, pending, rng)
            if suggestion is not None:
                return suggestion
            turn = next_turn(
                n_trials // (EVERY if self._tpe.branches else 1),
                len(pending),
                len(self.space.parameters),
                has_several_objectives=history.objectives.shape[1] > 1,
            )
            suggestion = self._take_turn(turn, firsts, pending, rng)
            if suggestion is not None:
                return suggestion
        (suggestion,) = self._tpe.suggest_everywhere(firsts, pending, [rng])
        return suggestion

    def _take_turn(
        self, turn: SearchRegion | Turn, history: History, pending: list[Values], rng: np.random.Generator
    ) -> Suggestion | None:
        """Propose a point of the GP or of annealing; None if it has none, or it is the turn of TPE."""
        if not self._uses_gp(history):
            turn = turn_without_gp(turn, self._has_many_choices)
        if isinstance(turn, SearchRegion):
            return self._propose_by_gp(turn, history, pending, rng)
        if turn is Turn.ANNEAL and len(history) >= self.options.n_startup:
            (suggestion,) = self._anneal.suggest(history, pending, [rng])
            return suggestion if self._tpe.is_new(suggestion.values, history, pending) else None
        return None

    def _propose_in(
        self, branch: Branch, history: History, pending: list[Values], rng: np.random.Generator
    ) -> Suggestion:
        """Propose a point in a branch, of the GP or of TPE: each misses what the other finds."""
        if rng.random() < _GP_SHARE_IN_BRANCH:
            suggestion = self._propose_by_gp(SearchRegion(branch=branch), history, pending, rng)
            if suggestion is not None:
                return suggestion
        return self._tpe.suggest_in(branch, history, pending, rng)

    def _propose_in_leading_branch(
        self, history: History, pending: list[Values], rng: np.random.Generator
    ) -> Suggestion | None:
        """Propose a point of a search in the best branch alone; None where it is not its turn."""
        if not self._tpe.branches or rng.random() >= _LEADING_SHARE:
            return None
        suggestion = self._leading.suggest(history, pending, rng)
        if suggestion is None or not self._tpe.is_new(suggestion.values, history, pending):
            return None
        return suggestion

    def _propose_by_gp(
        self, region: SearchRegion, history: History, pending: list[Values], rng: np.random.Generator
    ) -> Suggestion | None:
        """Propose a point of the GP; None if the search is too large for it, or it has none."""
        if not self._uses_gp(history):
            return None
        values = self._gp.suggest(history, pending, rng, region)
        return None if values is None else Suggestion(values=values, origin="gp")

    def _uses_gp(self, history: History) -> bool:
        """Whether the search is small enough for the GP."""
        few_trials = len(history.whole) <= self.options.max_gp_trials
        few_parameters = self._gp.n_active <= self.options.max_gp_dims
        return few_trials and few_parameters and self._gp.n_active_features <= _MAX_FEATURES
