"""Functions of the standard normal distribution from SciPy, which is imported on the first call.

The import would take a quarter of the CPU time of the start of ``hpsearch run``, and the first trials do not
need it.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]


def ndtr(x: Floats, out: Floats | None = None) -> Floats:
    """Distribution function of the standard normal distribution.

    Parameters
    ----------
    x : array
        Points.
    out : array, optional
        Where to write the result, of the shape of ``x``; may be ``x``.

    Returns
    -------
    array
        Probabilities, of the shape of ``x``.
    """
    from scipy import special

    return special.ndtr(x, out=out)


def ndtri(p: Floats) -> Floats:
    """Quantile of the standard normal distribution, the inverse of ``ndtr``; elementwise."""
    from scipy import special

    return special.ndtri(p)
