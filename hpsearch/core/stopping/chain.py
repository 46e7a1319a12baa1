"""Prediction of a trial's final loss from its values at rungs.

From each rung to the next, and from the last rung to the loss, a *stage* predicts the next value from the
last one ``u`` and its change ``d`` since the rung before::

    u' = b0 + b1 u + b2 d + e,    e ~ N(0, sigma^2)

The coefficients are known up to a normal distribution with covariance ``sigma^2 A^-1`` (the posterior of a
Bayesian linear regression). Mean and variance of the final value follow exactly, stage by stage, since the
stages are independent given the data. All values are on the scale of ``Scale``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

#: One number, or an array of numbers for several trials.
Number = TypeVar("Number", float, NDArray[np.float64])

#: Range of scaled values: far below, good values differ by chance, and far above, bad ones are all bad.
LOWEST, HIGHEST = -6.0, 4.0


@dataclass(frozen=True, slots=True)
class Scale:
    """Values as ``asinh((y - center) / width)``: linear among good ones, logarithmic in the bad tail."""

    center: float  #: a good value
    width: float  #: positive; spread of the good values
    sign: float = 1.0  #: -1 where higher values are better

    def scaled(self, value: float) -> float:
        """Return a value on this scale, lower is better; values that are not finite count as worst."""
        u = math.asinh((self.sign * value - self.center) / self.width)
        return min(max(u, LOWEST), HIGHEST) if math.isfinite(u) else HIGHEST

    def values(self, u: Number) -> Number:
        """Return the values at places of this scale."""
        values: Number = self.sign * (self.center + self.width * np.sinh(np.clip(u, -50.0, 50.0)))
        return values

    def to_document(self) -> list[float]:
        """Return the scale as plain numbers."""
        return [self.center, self.width, self.sign]


@dataclass(frozen=True, slots=True)
class Stage:
    """What is known of the step from one rung to the next."""

    mean: tuple[float, float, float]  #: posterior means of b0, b1, b2
    inverse: tuple[float, float, float, float, float, float]  #: ``A^-1``: 00, 11, 22, 01, 02, 12
    variance: float  #: squared scale of the t-distributed ``e``
    freedom: float  #: degrees of freedom of the prediction

    def to_document(self) -> dict[str, Any]:
        """Return the stage as plain numbers."""
        return {
            "mean": list(self.mean),
            "inverse": list(self.inverse),
            "variance": self.variance,
            "freedom": self.freedom,
        }


class Moments(NamedTuple, Generic[Number]):
    """What is known of a value, and of its change since the rung before."""

    value: Number  #: mean
    change: Number  #: mean
    variance: Number  #: squared scale of the value
    change_variance: Number  #: squared scale of the change
    covariance: Number  #: of both


def stage_from_document(document: Mapping[str, Any]) -> Stage:
    """Return the stage of a document."""
    b0, b1, b2 = document["mean"]
    i00, i11, i22, i01, i02, i12 = document["inverse"]
    return Stage((b0, b1, b2), (i00, i11, i22, i01, i02, i12), document["variance"], document["freedom"])


def final_moments(stages: Sequence[Stage], u: Number, before: Number) -> tuple[Number, Number]:
    """Return mean and squared scale of the value after all stages.

    Parameters
    ----------
    stages : sequence of Stage
        Those still to come.
    u : float or (n,) array
        Scaled value at the last rung.
    before : float or (n,) array
        Scaled value at the rung before; ``u`` if there is none.

    Returns
    -------
    float or (n,) array, float or (n,) array
        Mean and squared scale, which is 0 without stages.
    """
    none = 0.0 * u
    moments = Moments(u, u - before, none, none, none)
    for stage in stages:
        moments = next_moments(stage, moments)
    return moments.value, moments.variance


def next_moments(stage: Stage, now: Moments[Number]) -> Moments[Number]:
    """Return what is known of the value at the end of a stage.

    Parameters
    ----------
    stage : Stage
        The stage.
    now : Moments
        What is known of the value at its beginning.
    """
    u, change, var_u, var_d, cov = now
    b0, b1, b2 = stage.mean
    i00, i11, i22, i01, i02, i12 = stage.inverse
    mean = b0 + b1 * u + b2 * change
    # The expectation of x' A^-1 x for x = (1, u, d).
    leverage = (
        i00
        + i11 * (u * u + var_u)
        + i22 * (change * change + var_d)
        + 2 * (i01 * u + i02 * change + i12 * (u * change + cov))
    )
    with_u = b1 * var_u + b2 * cov
    variance = b1 * with_u + b2 * (b1 * cov + b2 * var_d) + stage.variance * (1 + leverage)
    return Moments(mean, mean - u, variance, variance + var_u - 2 * with_u, variance - with_u)


def chance_below(limit: float, mean: float, variance: float, freedom: float) -> float:
    """Return the probability that a t-distributed value lies below a limit.

    The quantile of the normal distribution that belongs to a quantile of Student's t is Wallace's
    approximation (1959, "Bounds on normal approximations to Student's and the chi-square distributions").

    Parameters
    ----------
    limit : float
        The limit.
    mean : float
        Mean of the value.
    variance : float
        Its squared scale; not negative.
    freedom : float
        Degrees of freedom; positive.
    """
    t = (limit - mean) / math.sqrt(max(variance, 1e-12))
    size = (8 * freedom + 1) / (8 * freedom + 3) * math.sqrt(freedom * math.log1p(t * t / freedom))
    return 0.5 * math.erfc(-math.copysign(size, t) / math.sqrt(2))
