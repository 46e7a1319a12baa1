"""Round numbers along an axis, where a face must not choose them."""

from __future__ import annotations

import math

#: About how many ticks fit.
_N = 5
_STEPS = (1.0, 2.0, 5.0, 10.0)


def round_ticks(low: float, high: float, *, is_log: bool) -> tuple[float, ...]:
    """Return round numbers between two ends.

    Parameters
    ----------
    low, high : float
        The ends, the first below the second; positive on a log axis.
    is_log : bool
        Whether the axis is logarithmic.
    """
    if not is_log:
        return _multiples(low, high)
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    if last - first < 1:
        return _multiples(low, high)
    step = max(round((last - first) / _N), 1)
    return tuple(10.0**exponent for exponent in range(first, last + 1, step))


def _multiples(low: float, high: float) -> tuple[float, ...]:
    magnitude = 10.0 ** math.floor(math.log10((high - low) / _N))
    step = next(s * magnitude for s in _STEPS if s * magnitude * (_N + 1) >= high - low)
    # Multiplied, not added up, so that 0.3 is not 0.30000000000000004.
    return tuple(float(f"{i * step:.12g}") for i in range(math.ceil(low / step), math.floor(high / step) + 1))
