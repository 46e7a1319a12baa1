"""Tail probabilities of the normal distribution."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest

from hpsearch.suggest.tpe.gauss import log_interval, quantile


def reference(low: float, high: float, n: int = 400) -> float:
    """Log of the integral of the density, by Simpson's rule in decimals of 40 digits."""
    with localcontext() as context:
        context.prec = 40
        a, h = Decimal(low), (Decimal(high) - Decimal(low)) / n
        total = Decimal(0)
        for i in range(n + 1):
            x = a + i * h
            total += (1 if i in (0, n) else 4 if i % 2 else 2) * (-x * x / 2).exp()
        root = (2 * Decimal("3.14159265358979323846264338327950288")).sqrt()
        return float((total * h / 3 / root).ln())


@pytest.mark.parametrize(
    ("low", "high"),
    [
        *[(-1, 1), (-0.5, 2), (0, 1e-3), (5, 5.5), (-6, -5), (30, 30.2), (40, 40.1), (-60, -59.9)],
        *[(2, 2 + 1e-7), (-3, -3 + 2e-6), (50, 50 + 1e-9), (0, 1e-12)],
    ],
)
def test_log_interval_agrees_with_exact_integration(low: float, high: float) -> None:
    got = log_interval(np.array([low]), np.array([high]))[0]
    assert got == pytest.approx(reference(low, high), abs=2e-9)


def test_log_interval_is_finite_without_warnings_at_any_distance() -> None:
    ends = np.array([-1e150, -1e20, -40.0, 0.0, 1e-300, 40.0, 1e20, 1e150])
    with np.errstate(all="raise", under="ignore"):
        got = log_interval(np.repeat(ends[:, None], 8, axis=1), np.maximum(ends, ends[:, None]))
    assert np.all(np.isfinite(got))
    assert np.all(got <= 0)
    neighbours = np.logspace(9, 20, 500)
    assert np.all(np.isfinite(log_interval(neighbours, np.nextafter(neighbours, np.inf))))


def test_quantile_inverts_the_distribution_function_and_is_finite_at_its_ends() -> None:
    got = quantile(np.array([0.0, 0.025, 0.5, 1.0]))
    assert np.all(np.isfinite(got))
    assert 0.5 * math.erfc(-got[1] / math.sqrt(2)) == pytest.approx(0.025)
    assert got[2] == 0
