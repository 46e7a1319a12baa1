"""Suggestions of whole algorithms with several objectives or outcome limits."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.core.experiment import Algorithm
from hpsearch.core.history import History
from hpsearch.core.hypervolume import hypervolume
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.algorithms import make_suggester
from hpsearch.suggest.protocol import trial_rng
from tests.support.histories import spaces
from tests.support.outcomes import add_outcomes, outcomes

NUMBERS = st.sampled_from([np.inf, -np.inf, 1e300, -1e300, 5e-324, 0.0, 1.0, 1.0, -3.5, 2.0])

NESTED = Space(
    [
        hp.uniform("x", 0, 1),
        hp.choice("kind", [{"depth": hp.uniformint("depth", 1, 9)}, {"rate": hp.loguniform("rate", -5, 0)}]),
    ]
)

#: The GP from the sixth trial on.
EAGER = {"n_startup": 6}


def _losses(values: Values) -> list[float]:
    rest = 0.1 * values.get("depth", 0) + values.get("rate", 0.5)
    return [values["x"] + rest, 1 - values["x"] + 2 * rest]


def _searched(
    algorithm: Algorithm, space: Space, n: int, *, n_limits: int = 0, batch: int = 1, restarts: bool = False
) -> tuple[History, list[str]]:
    """Search for the front of ``_losses``; with limits, x must be above 0.3."""
    history, origins = History(space, outcomes(2, n_limits)), list[str]()
    suggester = make_suggester(algorithm, space)
    while len(history) < n:
        if restarts:
            suggester, history = make_suggester(algorithm, space), _copied(history)
        rngs = [trial_rng(3, len(history) + i) for i in range(batch)]
        for suggestion in suggester.suggest(history, [], rngs):
            origins.append(suggestion.origin)
            values = suggestion.values
            add_outcomes(history, values, _losses(values), [0.3 - values["x"]] * n_limits)
    return history, origins


def _copied(history: History) -> History:
    """Return an equal history, as a new process reads it."""
    copy = History(history.space, history.outcomes)
    copy.extend(history, np.arange(len(history)))
    return copy


@given(
    space=spaces(),
    m=st.integers(1, 4),
    k=st.integers(0, 2),
    results=st.lists(
        st.none()
        | st.tuples(st.lists(NUMBERS, min_size=4, max_size=4), st.lists(NUMBERS, min_size=2, max_size=2)),
        max_size=14,
    ),
    name=st.sampled_from(["auto", "tpe", "anneal", "random", "mix"]),
)
def test_any_outcomes_in_any_space_give_points_of_the_space(
    space: Space, m: int, k: int, results: Sequence[Any], name: str
) -> None:
    """Infinite and huge numbers, ties and failures included, with a pending trial."""
    history, rng = History(space, outcomes(m, k)), np.random.default_rng(0)
    for result in results:
        losses, violations = result or (None, ())
        add_outcomes(history, space.sample(rng), None if losses is None else losses[:m], violations[:k])
    options = EAGER if name in ("auto", "tpe") else {}
    suggester = make_suggester(Algorithm(name=name, options=options), space)
    with np.errstate(over="raise", invalid="raise", divide="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        found = suggester.suggest(history, [space.sample(rng)], [trial_rng(0, tid) for tid in range(3)])
    assert len(found) == 3
    for suggestion in found:
        space.validate(suggestion.values)


@pytest.mark.parametrize("name", ["auto", "tpe"])
@pytest.mark.parametrize("n_limits", [0, 1])
def test_new_process_makes_the_same_suggestions(name: str, n_limits: int) -> None:
    """Whether it saw the trials finish one by one or reads them all at once, two pending at a time."""
    algorithm = Algorithm(name=name, options=EAGER)
    at_once, _ = _searched(algorithm, NESTED, 24, n_limits=n_limits, batch=2)
    restarted, _ = _searched(algorithm, NESTED, 24, n_limits=n_limits, batch=2, restarts=True)
    assert (at_once.values == restarted.values).all()


def test_auto_finds_more_of_the_front_than_random_search() -> None:
    """With a limit that cuts it."""
    reference = np.array([2.0, 2.0])
    found, origins = _searched(Algorithm(name="auto"), NESTED, 30, n_limits=1)
    drawn, _ = _searched(Algorithm(name="random"), NESTED, 30, n_limits=1)

    def volume(history: History) -> float:
        return hypervolume(history.objectives[history.violations[:, 0] <= 0], reference)

    assert "gp" in origins
    assert volume(found) > volume(drawn)


def test_four_objectives_have_turns_of_the_gp_too() -> None:
    """On one weighted number, since boxes would be too many."""
    space, origins = Space([hp.uniform("x", 0, 1), hp.uniform("y", 0, 1)]), list[str]()
    history, suggester = (
        History(space, outcomes(4)),
        make_suggester(Algorithm(name="auto", options=EAGER), space),
    )
    for tid in range(16):
        (suggestion,) = suggester.suggest(history, [], [trial_rng(0, tid)])
        x, y = suggestion.values["x"], suggestion.values["y"]
        add_outcomes(history, suggestion.values, [x, 1 - x, y, (x - y) ** 2])
        origins.append(suggestion.origin)
    assert origins.count("gp") > 3


def test_searches_go_on_beyond_what_the_digest_holds() -> None:
    """In a finite space no point is suggested twice, whether the digest has it or not."""
    space = Space([hp.randint("i", 40), hp.randint("j", 20)])
    history, suggester = History(space, outcomes(2)), make_suggester(Algorithm(name="auto"), space)
    points = np.random.default_rng(0).permutation(800).tolist()
    for point in points[:790]:
        i, j = divmod(point, 20)
        add_outcomes(history, {"i": i, "j": j}, [float(i), float(j)])
    tried = {tuple(row) for row in history.values.tolist()}
    for suggestion in suggester.suggest(history, [], [trial_rng(0, tid) for tid in range(790, 796)]):
        assert (suggestion.values["i"], suggestion.values["j"]) not in tried
