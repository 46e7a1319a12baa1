from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wilcoxon

from hpsearch.core.stopping.paired import p_worse


@pytest.mark.parametrize("n", [4, 9, 25, 60])
def test_the_p_value_is_that_of_the_one_sided_signed_rank_test(n: int) -> None:
    differences = np.random.default_rng(n).normal(0.4, 1.0, n)
    expected = wilcoxon(differences, alternative="greater", method="exact" if n <= 25 else "approx")
    assert p_worse(differences.tolist()) == pytest.approx(expected.pvalue, rel=0.02)


def test_equal_values_say_nothing() -> None:
    assert p_worse([0.0, 0.0]) == p_worse([]) == p_worse([float("nan")]) == 1.0
