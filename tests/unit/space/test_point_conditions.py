"""Conditions on the points of a space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from hpsearch import hp, where
from hpsearch.errors import PredicateError, SpaceError
from hpsearch.hyperopt import fmin, rand
from hpsearch.hyperopt import hp as graph_hp
from hpsearch.hyperopt.engine.documents import Doc
from hpsearch.hyperopt.fmin import space_eval
from hpsearch.hyperopt.pyll.stochastic import sample
from hpsearch.report.space_text import describe_space
from hpsearch.space.references import references_of
from hpsearch.space.tree import Space
from hpsearch.space.trust import TRUSTED


def build() -> dict[str, Any]:
    return {
        "lr": hp.loguniform("lr", -9, 0),
        "optimizer": hp.choice(
            "optimizer", ["adam", {"kind": "sgd", "momentum": hp.uniform("momentum", 0, 1)}]
        ),
        "n": hp.randint("n", 10),
    }


def is_even(point: Mapping[str, Any]) -> bool:
    return bool(point["n"] % 2 == 0)


def fails(point: Mapping[str, Any]) -> bool:
    raise KeyError("no such thing")


def draws(space: Space, n: int = 200) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    return [space.conditions.visible(space.sample(rng)) for _ in range(n)]


def test_every_draw_satisfies_all_conditions() -> None:
    space = Space(where(build(), "optimizer != 'sgd' or momentum > 0.5", "lr < 0.01 and n > 3", is_even))
    points = draws(space)
    assert all(p["lr"] < 0.01 and p["n"] in {4, 6, 8} and p.get("momentum", 1) > 0.5 for p in points)
    assert {p["optimizer"] for p in points} == {"adam", "sgd"}


def test_a_condition_on_an_inactive_parameter_forbids_nothing() -> None:
    points = draws(Space(where(build(), "momentum > 0.5")))
    assert {p["optimizer"] for p in points} == {"adam", "sgd"}
    assert min(p.get("momentum", 1) for p in points) > 0.5


def test_draws_have_the_distribution_of_the_prior_among_the_allowed_points() -> None:
    space = Space(where({"x": hp.uniform("x", 0, 1), "y": hp.uniform("y", 0, 1)}, "x + y < 1"))
    points = draws(space, 2000)
    assert np.mean([p["x"] for p in points]) == pytest.approx(1 / 3, abs=0.02)
    assert np.mean([p["x"] < 0.5 for p in points]) == pytest.approx(0.75, abs=0.03)


def test_rare_points_are_found() -> None:
    """One in ten thousand, and one in a trillion that conditions without a common parameter leave."""
    square = {label: hp.uniform(label, 0, 1) for label in "abcdef"}
    assert all(p["a"] + p["b"] < 0.0141 for p in draws(Space(where(square, "a + b < 0.0141")), 3))
    strict = Space(where(square, *(f"{label} < 0.01" for label in square)))
    assert all(max(p.values()) < 0.01 for p in draws(strict, 3))


def test_what_nothing_satisfies_is_named() -> None:
    with pytest.raises(SpaceError, match=r"None of \d+ random points .* the condition 'n > 12'; loosen"):
        Space(where(build(), "lr < 0.1", "n > 12")).sample(np.random.default_rng(0))
    with pytest.raises(SpaceError, match="the condition 'n < 4' and 'n > 7'"):
        Space(where(build(), "n < 4", "n > 7")).sample(np.random.default_rng(0))


def test_a_repaired_point_keeps_what_its_conditions_do_not_touch() -> None:
    space = Space(where(build(), "n > 5", "lr < 0.5"))
    repaired = space.repaired(
        {"lr": 0.25, "n": 3, "optimizer": 1, "momentum": 0.75}, np.random.default_rng(0)
    )
    assert repaired.pop("n") > 5
    assert repaired == {"lr": 0.25, "optimizer": 1, "momentum": 0.75}


def test_a_point_that_violates_a_condition_is_refused_by_name() -> None:
    space = Space(where(build(), "n > 5"))
    with pytest.raises(SpaceError, match="violates the condition 'n > 5'"):
        space.config({"lr": 0.25, "n": 3, "optimizer": 0})
    assert space.values(space.config({"lr": 0.25, "n": 6, "optimizer": 0})) == {
        "lr": 0.25, "n": 6, "optimizer": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("momentun > 1", "no parameter of that name .did you mean 'momentum'"),
        ("optimizer == 'sdg'", "none of its options .*they are 'adam', 'sgd'"),
        ("optimizer in ('adam', 'lion')", "compares 'optimizer' with 'lion'"),
        ("1 < 2", "refers to no parameter"),
        ("lr <", "cannot be read"),
    ],
)
def test_a_misspelt_condition_is_refused_before_the_search(condition: str, message: str) -> None:
    with pytest.raises(PredicateError, match=message):
        Space(where(build(), condition))


def test_a_condition_is_text_or_a_function() -> None:
    with pytest.raises(SpaceError, match="3 is not a condition"):
        where(build(), 3)  # type: ignore[arg-type]


def test_the_failure_of_a_function_names_it_and_the_point() -> None:
    with pytest.raises(SpaceError, match=r":fails' of the space failed for .*KeyError"):
        Space(where(build(), fails)).sample(np.random.default_rng(0))


def test_conditions_belong_to_the_whole_space() -> None:
    with pytest.raises(SpaceError, match=r"give the whole space to hpsearch\.where"):
        Space({"part": where(hp.uniform("x", 0, 1), "x > 0.5")})
    nested = Space(where(where(build(), "n > 5"), "lr < 0.1"))
    assert nested.conditions.texts == ("n > 5", "lr < 0.1")


def test_options_go_by_their_names() -> None:
    options = ["adam", 3, None, True, dict, {"kind": "mlp", "n": hp.randint("k", 3)}, (1, 2), ("a", "b")]
    space = Space(hp.choice("c", options))
    seen = [space.conditions.visible({"c": i})["c"] for i in range(len(options))]
    assert seen == ["adam", 3, None, True, "dict", "mlp", "(1, 2)", "a"]


def test_conditions_are_stored_with_the_space() -> None:
    space = Space(where(build(), "n > 5", is_even))
    stored = Space.from_json(space.to_json(), TRUSTED)
    assert stored.fingerprint == space.fingerprint != Space(build()).fingerprint
    assert all(p["n"] in {6, 8} for p in draws(stored, 20))
    assert references_of(space.to_json()).imports == {f"{__name__}:is_even"}
    assert references_of(space.to_json()).unrestricted == set()


def test_a_space_without_conditions_keeps_its_fingerprint() -> None:
    """As of the version before conditions."""
    space = Space(
        {
            "lr": hp.loguniform("lr", -9, 0),
            "model": hp.choice(
                "model", [{"kind": "linear"}, {"kind": "mlp", "layers": hp.randint("layers", 1, 4)}]
            ),
            "u": 2 ** hp.randint("log_units", 4, 9),
        }
    )
    assert space.fingerprint == "0643dccd4ed2ef481479cd7290cde6548d66510a987268308965d4ee0fa9bc4a"


def test_a_reader_of_a_stored_space_imports_no_function_and_suggests_nothing() -> None:
    stored = Space.from_json(Space(where(build(), "n > 5", is_even)).to_json())
    assert stored.config({"lr": 0.25, "n": 7, "optimizer": 0})["n"] == 7
    assert "2 conditions\n  n > 5\n" in describe_space(stored)
    with pytest.raises(SpaceError, match="is_even', a function that this command does not import"):
        stored.sample(np.random.default_rng(0))


def test_a_lambda_serves_one_process_only() -> None:
    space = Space(where(build(), lambda point: point["n"] > 5))
    assert min(p["n"] for p in draws(space, 20)) == 6
    with pytest.raises(SpaceError, match="lambda"):
        space.to_json()


def test_conditions_hold_for_graphs_of_the_drop_in() -> None:
    graph = where({"x": graph_hp.uniform("x", 0, 1) + 1, "k": graph_hp.randint("k", 4)}, "x < 0.1 and k == 2")
    seen: list[Any] = []
    best = fmin(lambda config: seen.append(config) or 0.0, graph, rand.suggest, 5, show_progressbar=False)
    assert all(1 <= config["x"] < 1.1 and config["k"] == 2 for config in seen)
    assert space_eval(graph, best) in seen
    assert sample(graph, np.random.default_rng(0))["x"] < 1.1


def test_points_to_evaluate_must_satisfy_the_conditions() -> None:
    with pytest.raises(SpaceError, match="violates the condition 'n > 5'"):
        fmin(
            lambda config: 0.0,
            where(build(), "n > 5"),
            rand.suggest,
            1,
            points_to_evaluate=[{"lr": 0.1, "optimizer": "adam", "n": 3}],
            show_progressbar=False,
        )


def test_an_algorithm_of_the_script_is_asked_again_for_what_it_must_not_suggest() -> None:
    def unaware(new_ids: list[int], domain: Any, trials: Any, seed: int) -> list[Doc]:
        n = seed % 10
        vals = {"lr": [0.1], "n": [n], "optimizer": [0], "momentum": []}
        idxs = {label: new_ids[: len(value)] for label, value in vals.items()}
        misc = {"tid": new_ids[0], "cmd": domain.cmd, "workdir": None, "idxs": idxs, "vals": vals}
        docs: list[Doc] = trials.new_trial_docs(new_ids, [None], [domain.new_result()], [misc])
        return docs

    seen: list[int] = []

    def objective(config: Any) -> float:
        seen.append(config["n"])
        return 0.0

    fmin(objective, where(build(), "n > 5"), unaware, 5, rstate=0, show_progressbar=False)
    assert len(seen) == 5
    assert min(seen) > 5
    with pytest.raises(SpaceError, match=r"violates the condition 'lr < 0\.01'"):
        fmin(objective, where(build(), "lr < 0.01"), unaware, 1, rstate=0, show_progressbar=False)
