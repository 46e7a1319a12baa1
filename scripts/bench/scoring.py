"""Scores of searches: normalized regret, win rates, ranks, and their bootstrap intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

#: Upper limit of a regret in means, so that one failed search does not dominate them.
CLIP = 2.0

#: Difference of regrets below which two searches tie.
_TIE = 1e-6


def least_losses(optima: Sequence[float | None], found: Sequence[np.ndarray]) -> np.ndarray:
    """Return the least loss of each problem, (problems,): the optimum, or the best that is known.

    Parameters
    ----------
    optima : sequence of float or None
        One for each problem, exact or best known; None if nothing is known.
    found : sequence of array
        Losses, (problems, seeds, evaluations), of all searches. A lower one takes the optimum's place.
    """
    known = np.array([np.inf if optimum is None else optimum for optimum in optima])
    least: np.ndarray = np.min([known, *(losses.min(axis=(1, 2)) for losses in found)], axis=0)
    return least


def regrets(losses: np.ndarray, random: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Return the normalized regrets, not limited.

    Parameters
    ----------
    losses, random : (problems, seeds, evaluations) array
        Of an algorithm, and of random search.
    least : (problems,) array
    """
    scale = np.median(random[:, :, -1], axis=1) - least
    found: np.ndarray = (losses - least[:, None, None]) / scale[:, None, None]
    return found


def has_regret(random: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Return for which problems, (problems,), random search misses the least loss.

    Only there regrets have a scale.

    Parameters
    ----------
    random : (problems, seeds, evaluations) array
        Losses.
    least : (problems,) array
    """
    found = np.median(random[:, :, -1], axis=1)
    # Relative: losses over orders of magnitude may all be tiny.
    usable: np.ndarray = np.isfinite(found) & (found - least > 1e-9 * np.maximum(abs(found), abs(least)))
    return usable


def win_rates(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the rates, (problems,), at which ``a`` is lower than ``b``, over all pairs of seeds.

    Parameters
    ----------
    a, b : (problems, seeds) array
        Regrets; infinite ones tie.
    """
    with np.errstate(invalid="ignore"):
        difference = np.nan_to_num(a[:, :, None] - b[:, None, :], nan=0.0, posinf=np.inf, neginf=-np.inf)
    ties = abs(difference) <= _TIE
    rates: np.ndarray = (difference < -_TIE).mean(axis=(1, 2)) + 0.5 * ties.mean(axis=(1, 2))
    return rates


def ranks(at_end: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Return the mean rank of each algorithm on each problem, (problems,); 1 is the best.

    Parameters
    ----------
    at_end : mapping
        Regrets, (problems, seeds), by algorithm.
    """
    return {
        name: np.asarray(1 + sum(win_rates(other, mine) for key, other in at_end.items() if key != name))
        for name, mine in at_end.items()
    }


def interval(values: np.ndarray) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean of (problems,) values."""
    low, high = np.quantile(resampled(values), [0.025, 0.975])
    return float(low), float(high)


def resampled(values: np.ndarray) -> np.ndarray:
    """Return (2000, ...) bootstrap means over problems of (problems, ...) values."""
    rng = np.random.default_rng(0)
    weights = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), size=2000) / len(values)
    means: np.ndarray = np.tensordot(weights, values, axes=1)
    return means


def worth(parallel: np.ndarray, sequential: np.ndarray) -> tuple[float, float, float]:
    """Return the number of sequential evaluations with equal results, and its 95 % interval.

    Parameters
    ----------
    parallel, sequential : (problems, seeds, evaluations) array
        Regrets.
    """
    n_evals = sequential.shape[2]
    wins = np.stack([win_rates(parallel[:, :, -1], sequential[:, :, n]) for n in range(n_evals)], axis=1)
    low, high = np.quantile([_even(rates) for rates in resampled(wins)], [0.025, 0.975])
    return _even(wins.mean(axis=0)), float(low), float(high)


def _even(rates: np.ndarray) -> float:
    """Return the number of evaluations at which the (evaluations,) win rates cross one half."""
    falling = np.minimum.accumulate(rates)
    return float(np.interp(-0.5, -falling, np.arange(1, len(rates) + 1)))
