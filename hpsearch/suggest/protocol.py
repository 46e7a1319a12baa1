"""What a suggester is, and where the randomness of a trial comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hpsearch.core.history import History
from hpsearch.space.tree import Values


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A point to try."""

    values: Values  #: active parameters only
    origin: str  #: the algorithm that made it: "tpe", "random", ...


class Suggester(Protocol):
    """Proposes points from finished and pending trials.

    A suggester is made for one ``Space``. It may cache what it derives from the
    history, which only ever grows, but its answers depend on the arguments alone:
    the same history, pending points and generators give the same suggestions in a
    process that has just started.
    """

    def suggest(
        self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
    ) -> list[Suggestion]:
        """Propose as many points as there are generators.

        Parameters
        ----------
        history : History
            Finished trials, in order of completion.
        pending : sequence of Values
            Points that are waiting or under evaluation.
        rngs : sequence of n Generators
            One for each point, so that a point depends on its own seed however many
            are asked for at a time.

        Returns
        -------
        list of n Suggestions
            The later ones may take the earlier ones for pending. Fewer than n only when there
            are no more points to try, or not yet.

        Raises
        ------
        SpaceExhaustedError
            If it tries no point twice, and none is left.
        """
        ...


def trial_rng(seed: int, tid: int) -> np.random.Generator:
    """Return the generator of one trial.

    Parameters
    ----------
    seed : int
        Of the experiment, not negative.
    tid : int
        Number of the trial. Generators of different trials are independent, and none
        depends on how many were made before, or by whom.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(tid,)))
