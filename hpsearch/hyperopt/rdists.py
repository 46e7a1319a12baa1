"""Hyperopt's ``rdists``: the distributions of parameters, with the interface of SciPy's.

The continuous ones subclass ``rv_continuous``. The quantised ones take the values
``round(z / q) * q`` or ``round(exp(z) / q) * q`` of a latent ``z``; the probability of a grid point
is that of the interval which is rounded to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_ndtr, ndtr, ndtri
from scipy.stats import rv_continuous

from hpsearch.core.history import Floats
from hpsearch.errors import SpaceError
from hpsearch.hyperopt.pyll.draws import rng_from_seed
from hpsearch.space.distribution import Normal, Numeric, Uniform

__all__ = [
    "lognorm_gen",
    "loguniform_gen",
    "qlognormal_gen",
    "qloguniform_gen",
    "qnormal_gen",
    "qtable_logpmf",
    "qtable_pmf",
    "quniform_gen",
    "safe_int_cast",
]


class loguniform_gen(rv_continuous):  # noqa: N801 - Hyperopt's names, as below
    """The distribution of ``hp.loguniform``.

    Parameters
    ----------
    low, high : float
        Natural logarithms of the bounds; ``low < high``.
    """

    def __init__(self, low: float = 0, high: float = 1) -> None:
        super().__init__(a=float(np.exp(low)), b=float(np.exp(high)), name="loguniform")
        self._low, self._high = float(low), float(high)

    def _updated_ctor_param(self) -> dict[str, Any]:
        return {"low": self._low, "high": self._high}

    def _rvs(self, *args: Any, size: Any = None, random_state: Any = None) -> Any:
        return np.exp(random_state.uniform(self._low, self._high, size))

    def _pdf(self, x: Any, *args: Any) -> Any:
        return np.exp(self._logpdf(x))

    def _logpdf(self, x: Any, *args: Any) -> Any:
        return -np.log(x) - np.log(self._high - self._low)

    def _cdf(self, x: Any, *args: Any) -> Any:
        return (np.log(x) - self._low) / (self._high - self._low)

    def _ppf(self, q: Any, *args: Any) -> Any:
        return np.exp(self._low + q * (self._high - self._low))


class lognorm_gen(rv_continuous):  # noqa: N801
    """The distribution of ``hp.lognormal``.

    Parameters
    ----------
    mu, sigma : float
        Mean and standard deviation of the logarithm; ``sigma`` positive.
    """

    def __init__(self, mu: float, sigma: float) -> None:
        super().__init__(a=0.0, name="lognorm")
        self.mu_, self.s_ = float(mu), float(sigma)

    def _updated_ctor_param(self) -> dict[str, Any]:
        return {"mu": self.mu_, "sigma": self.s_}

    def _rvs(self, *args: Any, size: Any = None, random_state: Any = None) -> Any:
        return np.exp(random_state.normal(self.mu_, self.s_, size))

    def _pdf(self, x: Any, *args: Any) -> Any:
        return np.exp(self._logpdf(x))

    def _logpdf(self, x: Any, *args: Any) -> Any:
        with np.errstate(divide="ignore"):
            log_x = np.log(x)
        density = -(self._z(log_x) ** 2) / 2 - log_x - np.log(self.s_ * np.sqrt(2 * np.pi))
        return np.where(np.isneginf(log_x), -np.inf, density)

    def _cdf(self, x: Any, *args: Any) -> Any:
        with np.errstate(divide="ignore"):
            return ndtr(self._z(np.log(x)))

    def _ppf(self, q: Any, *args: Any) -> Any:
        return np.exp(self.mu_ + self.s_ * ndtri(q))

    def _stats(self, *args: Any, **kwargs: Any) -> Any:
        spread = np.exp(self.s_**2)
        mean = np.exp(self.mu_ + self.s_**2 / 2)
        skew = (spread + 2) * np.sqrt(spread - 1)
        kurtosis = spread**4 + 2 * spread**3 + 3 * spread**2 - 6
        return mean, (spread - 1) * mean**2, skew, kurtosis

    def _z(self, log_x: Any) -> Any:
        return (log_x - self.mu_) / self.s_


class _Quantised:
    """A quantised distribution."""

    def __init__(self, latent: Uniform | Normal, q: float, *, is_log: bool) -> None:
        self.q = q
        self._parameter = Numeric(name="", latent=latent, is_log=is_log, q=float(q))

    def pmf(self, x: ArrayLike) -> Any:
        """Return the probability of each value; 0 off the grid."""
        mass = np.exp(self.logpmf(np.asarray(x, dtype=float)))
        return mass if isinstance(x, np.ndarray) else float(mass)

    def logpmf(self, x: ArrayLike) -> Any:
        """Return the logarithm of ``pmf``; ``-inf`` off the grid."""
        values = np.asarray(x, dtype=float)
        logarithms = np.where(self.in_domain(values), self._log_mass(values), -np.inf)
        return logarithms if isinstance(x, np.ndarray) else float(logarithms)

    def in_domain(self, x: ArrayLike) -> Any:
        """Return whether each value is on the grid."""
        values = np.asarray(x, dtype=float)
        is_on_grid = np.isclose(values, np.round(values / self.q) * self.q, rtol=1e-9, atol=1e-9 * self.q)
        return is_on_grid & (values > -self.q / 2) if self._parameter.is_log else is_on_grid

    def rvs(self, size: Any = (), random_state: Any = None) -> Any:
        """Draw values: ints if ``q`` is an int, else floats.

        Parameters
        ----------
        size : int or tuple
            Shape of the result; () for a single value.
        random_state : Generator, RandomState, int or None
            Source of randomness; seeded from the system by default.
        """
        rng = rng_from_seed(random_state)
        shape = () if size is None else size
        drawn = [self._parameter.sample(rng) for _ in range(int(np.prod(shape)))]
        kind = int if isinstance(self.q, int | np.integer) else float
        values = np.reshape(np.array(drawn).astype(kind), shape)
        return values if shape != () else values.item()

    def _log_mass(self, values: Floats) -> Floats:
        """Return the logarithm of the probability of each grid point."""
        below, above = self._standard(values - self.q / 2), self._standard(values + self.q / 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            if isinstance(self._parameter.latent, Uniform):
                mass: Floats = np.log(np.clip(above, 0, 1) - np.clip(below, 0, 1))
                return mass
            # Right of the mean, use the mirrored interval on the left: near 1 the difference would cancel.
            is_right = below > 0
            low, high = np.where(is_right, -above, below), np.where(is_right, -below, above)
            log_high = log_ndtr(high)
            normal_mass: Floats = log_high + np.log1p(-np.exp(log_ndtr(low) - log_high))
            return normal_mass

    def _standard(self, bounds: Floats) -> Floats:
        """Return bounds relative to the range of a uniform latent, or as z-scores of a normal one."""
        if self._parameter.is_log:
            with np.errstate(divide="ignore"):
                bounds = np.log(np.maximum(bounds, 0))
        latent = self._parameter.latent
        if isinstance(latent, Uniform):
            return (bounds - latent.low) / (latent.high - latent.low)
        return (bounds - latent.mu) / latent.sigma


class quniform_gen(_Quantised):  # noqa: N801
    """The distribution of ``hp.quniform``.

    Parameters
    ----------
    low, high : float
        Bounds; ``low < high``. Of ``qloguniform_gen``, their natural logarithms.
    q : float
        Step of the grid, positive.

    Attributes
    ----------
    qlow, qhigh : float
        Lowest and highest value.
    xs, ps : (n,) array
        All values, and their probabilities.
    """

    _is_log = False

    def __init__(self, low: float, high: float, q: float) -> None:
        if not (low < high and q > 0):
            raise SpaceError(
                f"{type(self).__name__}: low must be below high, and q positive, "
                f"but they are {low}, {high} and {q}."
            )
        super().__init__(Uniform(float(low), float(high)), q, is_log=self._is_log)
        self.low, self.high = float(low), float(high)
        first, last = (round(bound / q) for bound in self._parameter.support())
        self.qlow, self.qhigh = first * q, last * q
        self.xs = np.arange(first, last + 1) * q
        self.ps: Floats = self.pmf(self.xs)


class qloguniform_gen(quniform_gen):  # noqa: N801
    """The distribution of ``hp.qloguniform``; see ``quniform_gen``."""

    _is_log = True


class qnormal_gen(_Quantised):  # noqa: N801
    """The distribution of ``hp.qnormal``.

    Parameters
    ----------
    mu : float
        Mean. Of ``qlognormal_gen``, that of the logarithm, as for ``sigma``.
    sigma : float
        Standard deviation, positive.
    q : float
        Step of the grid, positive.
    """

    _is_log = False

    def __init__(self, mu: float, sigma: float, q: float) -> None:
        if not (sigma > 0 and q > 0):
            raise SpaceError(
                f"{type(self).__name__}: sigma and q must be positive, but they are {sigma} and {q}."
            )
        super().__init__(Normal(float(mu), float(sigma)), q, is_log=self._is_log)
        self.mu, self.sigma = float(mu), float(sigma)


class qlognormal_gen(qnormal_gen):  # noqa: N801
    """The distribution of ``hp.qlognormal``; see ``qnormal_gen``."""

    _is_log = True


def qtable_pmf(x: ArrayLike, q: float, qlow: float, xs: ArrayLike, ps: ArrayLike) -> Any:
    """Return the probability of each value, from a table.

    Parameters
    ----------
    x : array-like
        The values.
    q, qlow : float
        Step of the grid, and its lowest value.
    xs, ps : (n,) array-like
        The grid values from ``qlow`` up, and their probabilities.
    """
    values, table = np.asarray(x, dtype=float), np.asarray(ps, dtype=float)
    places = np.round((values - qlow) / q).astype(int)
    is_there = np.isclose(np.round(values / q) * q, values) & (places >= 0) & (places < len(table))
    mass = np.where(is_there, table[np.clip(places, 0, len(table) - 1)], 0.0)
    return mass if isinstance(x, np.ndarray) else float(mass)


def qtable_logpmf(x: ArrayLike, q: float, qlow: float, xs: ArrayLike, ps: ArrayLike) -> Any:
    """Return the logarithm of ``qtable_pmf``; ``-inf`` for probability 0.

    Parameters
    ----------
    x : array-like
        The values.
    q, qlow : float
        Step of the grid, and its lowest value.
    xs, ps : (n,) array-like
        The grid values from ``qlow`` up, and their probabilities.
    """
    with np.errstate(divide="ignore"):
        logarithms = np.log(qtable_pmf(np.asarray(x, dtype=float), q, qlow, xs, ps))
    return logarithms if isinstance(x, np.ndarray) else float(logarithms)


def safe_int_cast(obj: Any) -> Any:
    """Convert a number, an array or a list of numbers to int."""
    if isinstance(obj, np.ndarray):
        return obj.astype(int)
    return [int(item) for item in obj] if isinstance(obj, list) else int(obj)
