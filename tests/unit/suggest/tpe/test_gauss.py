"""Quantiles of the normal distribution."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hpsearch.suggest.tpe.gauss import quantile


def test_quantile_inverts_the_distribution_function_and_is_finite_at_its_ends() -> None:
    got = quantile(np.array([0.0, 0.025, 0.5, 1.0]))
    assert np.all(np.isfinite(got))
    assert 0.5 * math.erfc(-got[1] / math.sqrt(2)) == pytest.approx(0.025)
    assert got[2] == 0
