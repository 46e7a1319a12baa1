"""Suggestions with one objective and no limits, as they were recorded before there was anything else.

``recorded.json`` has the last values of each search. A change that is meant to alter suggestions writes it
again: ``python -m tests.unit.suggest.test_recorded``.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from hpsearch import hp
from hpsearch.core.experiment import Algorithm
from hpsearch.core.history import History
from hpsearch.core.trial import State, Trial
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.algorithms import make_suggester
from hpsearch.suggest.protocol import trial_rng

_FILE = Path(__file__).with_name("recorded.json")

_SPACES = {
    "numbers": Space([hp.uniform(f"x{j}", -1, 2) for j in range(3)]),
    "nested": Space(
        [
            hp.loguniform("rate", -5, 0),
            hp.choice("model", [{"depth": hp.uniformint("depth", 1, 9)}, {"c": hp.normal("c", 0, 1)}]),
            hp.choice("kind", ["a", "b", "c"]),
        ]
    ),
    "finite": Space([hp.randint("i", 12), hp.choice("kind", list("abcdef")), hp.quniform("q", 0, 4, 1)]),
}

_ALGORITHMS = {
    "auto": Algorithm(name="auto", options={"n_startup": 4}),
    "tpe": Algorithm(name="tpe", options={"n_startup": 4}),
    "anneal": Algorithm(name="anneal"),
    "mix": Algorithm(name="mix", options={"believe": ["x0 ~ 0.5"]}),
}

#: Trials of a search, and how many of them are suggested together.
_N_TRIALS, _BATCH = 21, 3


def _loss(values: Values) -> float | None:
    """Return a smooth loss with a cosine, None for a failure in a corner."""
    if sum(values.values()) > 15:
        return None
    return sum((value - 0.7) ** 2 - math.cos(3 * value) for value in values.values())


def _searched(space: Space, algorithm: Algorithm, seed: int) -> list[dict[str, float]]:
    """Return the last points of a search."""
    suggester, history = make_suggester(algorithm, space), History(space)
    points: list[Values] = []
    while len(points) < _N_TRIALS:
        rngs = [trial_rng(seed, len(points) + i) for i in range(_BATCH)]
        batch = [one.values for one in suggester.suggest(history, [], rngs)]
        for values in batch:
            loss = _loss(values)
            state = State.FAILED if loss is None else State.DONE
            history.add(Trial(exp_key="e", tid=len(history), values=values, state=state, loss=loss))
        points += batch
    return [{label: float(value) for label, value in point.items()} for point in points[-_BATCH:]]


def _names() -> list[str]:
    return [
        f"{algorithm} {space} {seed}"
        for algorithm in _ALGORITHMS
        for space in (_SPACES if algorithm != "mix" else ("numbers",))
        for seed in range(3)
    ]


def _found(name: str) -> list[dict[str, float]]:
    algorithm, space, seed = name.split()
    return _searched(_SPACES[space], _ALGORITHMS[algorithm], int(seed))


@pytest.mark.parametrize("name", _names())
def test_suggestions_are_the_recorded_ones(name: str) -> None:
    """Up to what rounding in other versions of the libraries may change."""
    expected: Any = json.loads(_FILE.read_text())[name]
    for point, recorded in zip(_found(name), expected, strict=True):
        assert point == pytest.approx(recorded, rel=1e-6, abs=1e-6)


if __name__ == "__main__":
    _FILE.write_text(json.dumps({name: _found(name) for name in _names()}, indent=1) + "\n")
