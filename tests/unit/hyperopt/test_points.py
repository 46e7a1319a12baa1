"""Points in the forms that libraries write: documents, table rows, labels of other branches."""

import functools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hpsearch.hyperopt as hpo
from hpsearch.errors import HpsearchWarning, SpaceError
from hpsearch.hyperopt import anneal, auto, hp, mix, rand, space_eval, tpe
from hpsearch.hyperopt.engine.points import raw_point
from hpsearch.hyperopt.fmin import generate_trials_to_calculate
from hpsearch.hyperopt.pyll import scope
from hpsearch.space.tree import Space

SPACE = hp.choice("kind", [{"n": scope.int(hp.quniform("n", 1, 9, 1))}, {"c": hp.choice("c", ["x", "y"])}])
ALGORITHMS = [
    rand.suggest,
    tpe.suggest,
    functools.partial(tpe.suggest, n_startup_jobs=1),
    anneal.suggest,
    auto.suggest,
    functools.partial(mix.suggest, p_suggest=[(0.5, rand.suggest), (0.5, anneal.suggest)]),
]


@pytest.mark.parametrize("absent", [None, [], (), np.array([]), float("nan"), np.float64("nan"), [None]])
def test_inactive_labels_may_have_empty_values(absent: Any) -> None:
    assert space_eval(SPACE, {"kind": 0, "n": 3.0, "c": absent}) == {"n": 3}
    assert space_eval(SPACE, {"kind": [1], "n": absent, "c": np.array([1])}) == {"c": "y"}


def test_an_empty_value_of_an_active_label_is_missing() -> None:
    with pytest.raises(SpaceError, match="'n' has no value"):
        space_eval(SPACE, {"kind": 0, "n": None, "c": 1})


@given(seed=st.integers(0, 1000))
def test_every_form_of_a_point_gives_the_same_configuration(seed: int) -> None:
    """Values with and without lists, padded with None, and as NumPy scalars."""
    space = Space(SPACE)
    values = space.sample(np.random.default_rng(seed))
    expected = space.config(values)
    padded = {label: values.get(label) for label in space.nodes}
    listed = {label: [values[label]] if label in values else [] for label in space.nodes}
    arrays = {label: np.array(value) for label, value in listed.items()}
    for point in (values, padded, listed, arrays, {**padded, "of another space": 1}):
        assert space_eval(SPACE, point) == expected


def test_none_and_lists_may_be_options() -> None:
    space = Space([hp.choice("a", [1, None]), hp.choice("b", [[5, 6], [7]])])
    assert raw_point(space, {"a": None, "b": [7]}) == {"a": 1, "b": 1}
    assert raw_point(space, {"a": [], "b": [[7]]}) == {"b": 1}


def test_a_list_that_is_both_an_option_and_an_index_is_rejected() -> None:
    space = Space(hp.choice("layers", [[1], [2]]))
    with pytest.raises(SpaceError, match="without brackets"):
        raw_point(space, {"layers": [1]})
    assert raw_point(space, {"layers": [0]}) == {"layers": 0}
    assert raw_point(space, {"layers": [2]}) == {"layers": 1}


def test_points_to_evaluate_may_contain_inactive_labels() -> None:
    seen = []
    points = [{"kind": 0, "n": 2.0, "c": None}, {"kind": [1], "n": [], "c": [0]}, {"kind": 1, "n": 4, "c": 1}]
    hpo.fmin(
        lambda config: seen.append(config) or 0.0,
        SPACE,
        rand.suggest,
        2,
        points_to_evaluate=points,
        show_progressbar=False,
    )
    assert seen[:3] == [{"n": 2}, {"c": "x"}, {"c": "y"}]


def test_a_value_for_an_unknown_label_is_ignored_with_a_warning() -> None:
    point = {"kind": 1, "c": 0, "typo": 3}
    with pytest.warns(HpsearchWarning, match="label 'typo', which is ignored"):
        best = hpo.fmin(lambda c: 0.0, SPACE, rand.suggest, 0, points_to_evaluate=[point], verbose=False)
    assert best == {"kind": 1, "c": 0}


def test_generated_trials_omit_labels_with_none() -> None:
    trials = generate_trials_to_calculate([{"kind": 0, "n": 2.0, "c": None}])
    trials.refresh()
    assert trials.trials[0]["misc"]["vals"] == {"kind": [0], "n": [2.0], "c": []}
    assert trials.trials[0]["misc"]["idxs"]["c"] == []


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_inserted_documents_contain_python_numbers(algo: Any) -> None:
    space = {
        "i": hp.randint("i", 5),
        "c": hp.choice("c", ["a", "b"]),
        "p": hp.pchoice("p", [(0.5, 1), (0.5, 2)]),
        "u": hp.uniform("u", 0, 1),
        "q": hp.uniformint("q", 1, 5),
    }
    domain, trials = hpo.Domain(None, space), hpo.Trials()
    for _ in range(3):
        docs = algo(trials.new_trial_ids(1), domain, trials, 3)
        kinds = {label: type(vals[0]) for label, vals in docs[0]["misc"]["vals"].items()}
        floats, ints = dict.fromkeys("uq", np.float64), dict.fromkeys("icp", np.int64)
        assert kinds == floats | ints
        trials.insert_trial_docs(docs)
        trials.refresh()
        stored = trials.trials[-1]
        assert stored is not docs[0]
        kinds = {label: type(vals[0]) for label, vals in stored["misc"]["vals"].items()}
        assert kinds == dict.fromkeys("uq", float) | dict.fromkeys("icp", int)
        stored["state"], stored["result"] = hpo.JOB_STATE_DONE, {"status": "ok", "loss": 1.0}


@pytest.mark.parametrize(
    "make", [lambda: 5, lambda: np.random.RandomState(1), lambda: np.random.default_rng(1), lambda: None]
)
def test_rstate_is_kept_as_given(make: Any) -> None:
    given_, untouched = make(), make()
    domain = hpo.Domain(lambda x: x, hp.uniform("x", 0, 1))
    rounds = hpo.FMinIter(rand.suggest, domain, hpo.Trials(), rstate=given_, max_evals=2, verbose=False)
    assert rounds.rstate is given_
    if isinstance(given_, np.random.RandomState):
        assert given_.randint(2**31 - 1) == untouched.randint(2**31 - 1)
    if isinstance(given_, np.random.Generator):
        assert given_.integers(2**31 - 1) == untouched.integers(2**31 - 1)
    rounds.exhaust()
    assert len(rounds.trials) == 2


@pytest.mark.parametrize("algo", ALGORITHMS)
def test_every_algorithm_supports_grids_with_one_value(algo: Any) -> None:
    single = {"q": hp.quniform("q", 3, 3.2, 1), "i": hp.uniformint("i", 4, 4.3), "r": hp.randint("r", 1)}
    space = {**single, "c": hp.choice("c", [1]), "x": hp.uniform("x", -1, 1)}
    for searched in (space, single):
        best = hpo.fmin(lambda c: c["q"] + c.get("x", 0) ** 2, searched, algo, 25, rstate=1, verbose=False)
        assert (best["q"], best["i"], best["r"]) == (3.0, 4.0, 0)
