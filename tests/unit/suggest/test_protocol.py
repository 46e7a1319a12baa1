"""The generator of a trial."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from hpsearch.suggest.protocol import trial_rng


@given(st.integers(0, 2**130), st.integers(0, 2**33))
@example(0, 0)
@example(2**128 - 1, 2**32 - 1)
@example(2**128, 2**32)
def test_a_trial_has_the_generator_of_its_number_below_the_seed(seed: int, tid: int) -> None:
    expected = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(tid,)))
    assert trial_rng(seed, tid).bit_generator.state == expected.bit_generator.state
