"""What a user believes about the best point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hpsearch import hp, where
from hpsearch.core.experiment import Algorithm
from hpsearch.core.history import History
from hpsearch.errors import ConfigurationError
from hpsearch.hyperopt import Trials, auto, fmin, tpe
from hpsearch.hyperopt.mongo.algorithm import algorithm_of
from hpsearch.space.tree import Space
from hpsearch.suggest.algorithms import make_suggester
from hpsearch.suggest.beliefs import Beliefs, belief_texts
from hpsearch.suggest.names import ALGORITHMS
from hpsearch.suggest.preference import preference
from tests.support.histories import add, rngs


def build() -> dict[str, Any]:
    return {
        "lr": hp.loguniform("lr", np.log(1e-5), np.log(1e-1)),
        "x": hp.uniform("x", 0, 1),
        "n": hp.randint("n", 10),
        "optimizer": hp.choice(
            "optimizer", ["adam", {"kind": "sgd", "momentum": hp.uniform("momentum", 0, 1)}, "lion"]
        ),
    }


SPACE = Space(build())
RNG = np.random.default_rng


def drawn(text: str, n: int = 500) -> list[float]:
    (belief,) = Beliefs([text], SPACE).by_column.values()
    return belief.draw(n, RNG(0)).tolist()


def test_a_value_means_about_this_on_the_scale_of_the_parameter() -> None:
    """One standard deviation is a tenth of four decades."""
    logs = np.log10(drawn("lr ~ 1e-3"))
    assert logs.mean() == pytest.approx(-3, abs=0.05)
    assert logs.std() == pytest.approx(0.4, abs=0.04)


def test_a_range_holds_most_of_the_belief() -> None:
    inside = [0.2 <= x <= 0.4 for x in drawn("x ~ 0.2..0.4")]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.03)


def test_an_end_of_the_range_can_be_believed() -> None:
    values = drawn("x ~ 0")
    assert min(values) >= 0
    assert np.mean(values) == pytest.approx(0.08, abs=0.01)


def test_options_are_believed_by_name() -> None:
    assert set(drawn("optimizer ~ sgd")) == {1}
    assert set(drawn("optimizer ~ sgd, lion")) == {1, 2}
    assert set(drawn("n ~ 3")) <= set(range(10))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr", "is not a belief; write LABEL ~ VALUE"),
        ("lr ~", "is not a belief"),
        ("lrr ~ 1", "no parameter of that name .did you mean 'lr'"),
        ("lr ~ 5", r"out of the range of 'lr', 1e-05 \.\. 0\.1"),
        ("lr ~ fast", "is no number"),
        ("lr ~ nan", "is no number"),
        ("x ~ 0.5..0.1", "lower end above the upper one"),
        ("optimizer ~ sdg", "no option of 'optimizer'.*; they are adam, sgd, lion"),
    ],
)
def test_a_wrong_belief_is_refused_in_one_sentence(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make_suggester(Algorithm(options={"believe": [text]}), SPACE)


def test_two_beliefs_about_one_parameter_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="two beliefs about 'x'"):
        Beliefs(["x ~ 0.1", "x ~ 0.2"], SPACE)
    with pytest.raises(ConfigurationError, match="must be a list of texts"):
        make_suggester(Algorithm(options={"believe": "x ~ 0.1"}), SPACE)


def test_beliefs_may_be_a_dict() -> None:
    believe = {"lr": 1e-3, "x": (0.1, 0.2), "optimizer": ["adam", "sgd"], "n": 3}
    texts = ("lr ~ 0.001", "x ~ 0.1..0.2", "optimizer ~ adam, sgd", "n ~ 3")
    assert belief_texts(believe) == texts
    assert belief_texts("n ~ 3") == ("n ~ 3",)
    assert Beliefs(texts, SPACE).texts == texts


def test_the_slope_is_the_derivative_of_the_log_ratio() -> None:
    (belief,) = Beliefs(["lr ~ 1e-3"], SPACE).by_column.values()
    x = np.linspace(0.05, 0.95, 9)
    slopes = (belief.log_ratio(x + 1e-6) - belief.log_ratio(x - 1e-6)) / 2e-6
    assert belief.slope(x) == pytest.approx(slopes, rel=1e-4, abs=1e-6)


def finished(n: int, loss: Callable[[int], float]) -> History:
    """Trials of ``x`` and ``optimizer`` all over the space."""
    space = Space({"x": hp.uniform("x", 0, 1), "optimizer": hp.choice("optimizer", ["adam", "sgd"])})
    history = History(space)
    for i in range(n):
        add(history, {"x": i / n, "optimizer": i % 2}, loss(i))
    return history


def test_a_belief_excludes_nothing_and_fades() -> None:
    """The ratio is at least a tenth; the exponent is 10 / n; an inactive parameter does not count."""
    history = finished(4, float)
    known = preference(Beliefs(["optimizer ~ sgd"], history.space), history)
    values, active = np.zeros((1, 2)), np.ones((1, 2), dtype=bool)
    assert known.power == 2.5
    assert known.scores_of_values(values, active)[0] == pytest.approx(2.5 * np.log(0.1))
    assert known.scores_of_values(values, ~active)[0] == 0
    assert preference(Beliefs(["optimizer ~ sgd"], SPACE), History(SPACE)).power == 10


@pytest.mark.parametrize(
    ("loss", "label", "trust"),
    [
        (lambda i: -i, "x", 1),
        (lambda i: i, "x", 0),
        (lambda i: -(i % 2), "optimizer", 1),
        (lambda i: i % 2, "optimizer", 0),
        (lambda i: 0.0, "optimizer", 0.67),
    ],
)
def test_each_belief_counts_as_far_as_the_best_trials_agree_with_it(
    loss: Callable[[int], float], label: str, trust: float
) -> None:
    history = finished(20, loss)
    found = preference(Beliefs(["x ~ 0.95", "optimizer ~ sgd"], history.space), history)
    assert found.trust[list(history.space.nodes).index(label)] == pytest.approx(trust, abs=0.01)


def test_beliefs_count_no_more_once_the_trials_that_agree_with_all_of_them_are_worse() -> None:
    """The best trial is at the believed point, and so are the four worst: each belief alone is trusted."""
    labels = [f"x{i}" for i in range(6)]
    history = History(Space({label: hp.uniform(label, 0, 1) for label in labels}))
    beliefs, rng = Beliefs([f"{label} ~ 0.9" for label in labels], history.space), RNG(0)
    for loss in [0, 1, 9, 2, 3, 4, 5, 8, 7, 6]:
        is_believed = loss in (0, 6, 7, 8, 9)
        values = {label: 0.9 if is_believed else float(rng.uniform(0, 0.7)) for label in labels}
        add(history, values, float(loss))
        if len(history) == 7:
            assert min(preference(beliefs, history).trust.values()) > 0.5
    assert set(preference(beliefs, history).trust.values()) == {0.0}


def test_in_a_branch_only_what_is_open_is_believed() -> None:
    beliefs = Beliefs(["optimizer ~ lion", "x ~ 0.9"], SPACE)
    inside = beliefs.within(SPACE.given({"optimizer": 1}))
    assert inside is not None
    assert inside.texts == ("x ~ 0.9",)
    assert Beliefs(["optimizer ~ lion"], SPACE).within(SPACE.given({"optimizer": 1})) is None


def test_failures_refute_a_belief() -> None:
    history = finished(20, lambda i: np.nan if i > 10 else float(i % 3))
    assert preference(Beliefs(["x ~ 0.95"], history.space), history).trust == {1: 0}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_first_trial_is_the_believed_point_and_half_of_the_next_are_near_it(name: str) -> None:
    space = Space(where(build(), "n < 9", "lr < 0.001"))
    algorithm = Algorithm(name=name, options={"believe": ["x ~ 0.9", "optimizer ~ lion", "n ~ 4"]})
    suggester = make_suggester(algorithm, space)
    found = suggester.suggest(History(space), [], rngs(10))
    assert {found[0].values[label] for label in ("n", "optimizer")} == {4, 2}
    assert found[0].values["x"] == pytest.approx(0.9)
    assert [s.origin == "belief" for s in found] == [True, False] * 5
    assert all(s.values["optimizer"] == 2 for s in found[::2])


@pytest.mark.parametrize("name", ["auto", "tpe"])
def test_a_belief_counts_early_and_fades(name: str) -> None:
    """Losses that say nothing: the models follow the belief after ten trials, and hardly after 200."""
    space = Space({"x": hp.uniform("x", 0, 1), "y": hp.uniform("y", 0, 1)})

    def share(n: int, believe: list[str]) -> float:
        options = {"believe": believe, **({"max_gp_trials": 20} if name == "auto" else {})}
        suggester = make_suggester(Algorithm(name=name, options=options), space)
        history = History(space)
        for i in range(n):
            add(history, {"x": (i * 0.618) % 1, "y": (i * 0.414) % 1}, float(RNG(i).random()))
        found = [s for s in suggester.suggest(history, [], rngs(24)) if s.origin != "belief"]
        return float(np.mean([abs(s.values["x"] - 0.1) < 0.15 for s in found]))

    assert share(10, ["x ~ 0.1"]) > share(10, []) + 0.2
    assert share(200, ["x ~ 0.1"]) < share(200, []) + 0.1


def test_the_drop_in_hands_beliefs_to_every_algorithm() -> None:
    for algo in (tpe.suggest, auto.suggest):
        trials = Trials()
        fmin(lambda c: 0.0, build(), algo, 3, trials=trials, believe={"n": 7}, show_progressbar=False)
        assert trials.vals["n"][0] == 7
    described = algorithm_of(tpe.suggest, ("n ~ 7",))
    assert described == Algorithm(name="tpe", options={"believe": ["n ~ 7"]})
    with pytest.raises(ConfigurationError, match="about 'm'"):
        fmin(lambda c: 0.0, build(), tpe.suggest, 1, believe="m ~ 7", show_progressbar=False)
