"""Activation masks of arrays of points."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.core.history import History
from hpsearch.space.tree import Space
from hpsearch.suggest.tpe.activation import activation_of, active_mask
from tests.support.histories import spaces


@given(space=spaces(), seed=st.integers(0, 99))
def test_the_mask_of_a_point_agrees_with_the_space(space: Space, seed: int) -> None:
    """Also when inactive columns have values of other branches."""
    rng = np.random.default_rng(seed)
    encode = History(space).encode
    for _ in range(3):
        row, mask = encode(space.sample(rng))
        full = [
            v if m else p.distribution.sample(rng)
            for v, m, p in zip(row, mask, space.parameters, strict=True)
        ]
        assert active_mask(activation_of(space), np.array([full]).T)[:, 0].tolist() == mask.tolist()
        columns = rng.permutation(len(full))
        moved = active_mask(activation_of(space, columns.tolist()), np.array([full]).T[columns])
        assert moved[:, 0].tolist() == mask[columns].tolist()


def test_a_node_in_several_branches_is_active_in_each_of_them() -> None:
    shared = hp.uniform("x", 0, 1)
    space = Space(hp.choice("c", [shared, hp.choice("d", [0, shared]), 0]))
    column = {p.label: j for j, p in enumerate(space.parameters)}
    table = np.zeros((3, 4))
    table[column["c"]], table[column["d"]] = [0, 1, 1, 2], [0, 0, 1, 1]
    assert active_mask(activation_of(space), table)[column["x"]].tolist() == [True, False, True, False]
