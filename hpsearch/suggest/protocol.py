"""The protocol of suggesters, and the random generator of a trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hpsearch.core.history import History
from hpsearch.space.tree import Values


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A point to evaluate."""

    values: Values  #: active parameters only
    origin: str  #: algorithm that suggested it: "tpe", "gp", "random", ...


class Suggester(Protocol):
    """Proposes points from finished and pending trials.

    A suggester serves one ``Space``. It may cache results of the history, which only grows, but its
    suggestions depend on the arguments alone: the same history, pending points and generators give the same
    suggestions in a new process.
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
            Points that wait or are under evaluation.
        rngs : sequence of n Generators
            One for each point, so that a point depends on its own seed, whatever the size of the batch.

        Returns
        -------
        list of n Suggestions
            Later ones may treat earlier ones as pending. Fewer than n only when there are no more points to
            try, or not yet.

        Raises
        ------
        SpaceExhaustedError
            If the suggester repeats no point, and all were tried.
        """
        ...


def trial_rng(seed: int, tid: int) -> np.random.Generator:
    """Return the generator of one trial: independent of other trials, and the same in every process.

    Parameters
    ----------
    seed : int
        Seed of the experiment; not negative.
    tid : int
        Number of the trial in the experiment, from 0.
    """
    if seed < 2**128 and tid < 2**32:
        # The words that SeedSequence makes of these numbers, faster than its own conversion.
        words = [seed >> shift & 0xFFFFFFFF for shift in (0, 32, 64, 96)]
        seeds = np.random.SeedSequence(np.array([*words, tid], dtype=np.uint32))
        return np.random.Generator(np.random.PCG64(seeds))  # what default_rng returns, in half the time
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(tid,)))


def experiment_rng(rng: np.random.Generator) -> np.random.Generator:
    """Return a generator that depends only on the seed of the experiment, from that of any of its trials."""
    entropy = rng.bit_generator.seed_seq.entropy  # type: ignore[attr-defined]
    # The words that `trial_rng` joins end with the number of the trial.
    return np.random.default_rng(entropy[:-1] if isinstance(entropy, np.ndarray) else entropy)
