"""Constants and quantiles of the standard normal distribution."""

from __future__ import annotations

import math

import numpy as np

from hpsearch.core.history import Floats
from hpsearch.runtime.special_functions import ndtri

LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)

#: Lower bound of widths and probabilities, so that their logarithms are finite.
LEAST = 1e-300


def quantile(p: Floats) -> Floats:
    """Return the quantiles of the standard normal distribution; always finite."""
    return np.asarray(ndtri(np.clip(p, 1e-300, 1 - 1e-16)))
