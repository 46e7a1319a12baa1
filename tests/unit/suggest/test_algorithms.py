"""Suggesters by the name of their algorithm."""

from __future__ import annotations

import pytest

from hpsearch import hp
from hpsearch.core.experiment import Algorithm
from hpsearch.core.history import History
from hpsearch.errors import ConfigurationError
from hpsearch.space.tree import Space
from hpsearch.suggest.algorithms import make_suggester
from hpsearch.suggest.names import ALGORITHMS
from tests.support.histories import history, rngs

SPACE = Space(hp.uniform("x", 0, 1))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_makes_points_of_the_space(name: str) -> None:
    (suggestion,) = make_suggester(Algorithm(name=name), SPACE).suggest(History(SPACE), [], rngs(1))
    SPACE.validate(suggestion.values)


def test_options_are_passed_to_the_algorithm() -> None:
    finished = history(SPACE, [{"x": 0.5}] * 3, range(3))
    suggester = make_suggester(Algorithm(name="tpe", options={"n_startup": 3}), SPACE)
    assert suggester.suggest(finished, [], rngs(1))[0].origin == "tpe"


@pytest.mark.parametrize(
    ("algorithm", "sentence"),
    [
        (
            Algorithm(name="tpee"),
            r"no algorithm 'tpee' \(did you mean 'tpe'\?\); there are auto, tpe, random",
        ),
        (Algorithm(name="zzz"), r"no algorithm 'zzz'; there are"),
        (
            Algorithm(name="tpe", options={"n_startups": 1}),
            r"no option 'n_startups' \(did you mean 'n_startup'\?\); it has n_",
        ),
        (Algorithm(name="random", options={"gamma": 1}), r"random has no option 'gamma'; it has none"),
        (
            Algorithm(name="tpe", options={"gamma": 2}),
            r"option gamma of tpe must be a number above 0, up to 1",
        ),
    ],
)
def test_an_unknown_name_or_option_is_refused_with_the_known_ones(
    algorithm: Algorithm, sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        make_suggester(algorithm, SPACE)
