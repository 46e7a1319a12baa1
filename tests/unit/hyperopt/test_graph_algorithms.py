"""Custom algorithms that evaluate the graph of a domain, as Hyperopt's own do."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch import hp as plain_hp
from hpsearch.hyperopt import Domain, Trials, fmin, hp, pyll
from hpsearch.hyperopt.algobase import ExprEvaluator, SuggestAlgo
from hpsearch.hyperopt.base import miscs_to_idxs_vals, miscs_update_idxs_vals, spec_from_misc
from hpsearch.hyperopt.pyll import as_apply, scope
from hpsearch.hyperopt.vectorize import VectorizeHelper, replace_repeat_stochastic

SHARED = hp.normal("shared", 0, 1)
INDEX = hp.randint("index", 3)
SPACES = {
    "numbers": {
        "u": hp.uniform("u", -1, 1),
        "i": hp.uniformint("i", 1, 5),
        "r": hp.randint("r", 2, 5),
        "q": hp.qlognormal("q", 0, 1, 2),
    },
    "nested": hp.choice("a", [1, {"b": hp.choice("b", [SHARED, {"c": hp.loguniform("c", -5, -1)}])}, SHARED]),
    "weighted": hp.pchoice("p", [(0.1, "x"), (0.9, [SHARED, hp.pchoice("d", [(0.5, 0), (0.5, SHARED)])])]),
    # The index of the outer switch is also below that switch, which must not cause a cycle.
    "itself": scope.switch(scope.int(INDEX), INDEX, INDEX + 1, [INDEX, hp.uniform("below", 0, 1)]),
    "computed": scope.switch(
        scope.int(hp.quniform("n", 0, 1, 1)), hp.uniform("left", 0, 1), hp.uniform("right", 0, 1)
    ),
    "ours": {"x": plain_hp.uniform("x", 0, 1), "y": hp.choice("y", [plain_hp.randint("z", 3), 7])},
    "none": {"constant": 3},
}

#: Spaces in which our suggesters treat all parameters below a switch as active.
WIDER = {"itself", "computed"}


def drawn(new_ids: Any, domain: Any, trials: Any, seed: Any) -> Any:
    """Suggest points like the code of Hyperopt's random search."""
    rng, docs = np.random.default_rng(seed), []
    for tid in new_ids:
        idxs, vals = pyll.rec_eval(domain.s_idxs_vals, memo={domain.s_new_ids: [tid], domain.s_rng: rng})
        misc = {"tid": tid, "cmd": domain.cmd, "workdir": domain.workdir}
        miscs_update_idxs_vals([misc], idxs, vals)
        docs += trials.new_trial_docs([tid], [None], [domain.new_result()], [misc])
    return docs


@pytest.mark.parametrize("name", SPACES)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_graph_draws_points_of_the_space(name: str, seed: int) -> None:
    """Each trial has exactly its active parameters, with values in range."""
    domain = Domain(None, SPACES[name])
    tids = [3, 4, 7, 11]
    rng = np.random.default_rng(seed)
    idxs, vals = pyll.rec_eval(domain.s_idxs_vals, memo={domain.s_new_ids: tids, domain.s_rng: rng})
    assert idxs.keys() == vals.keys() == domain.params.keys()
    for label in idxs:
        assert len(idxs[label]) == len(vals[label])
    miscs = [{"tid": tid} for tid in tids]
    miscs_update_idxs_vals(miscs, idxs, vals)
    for misc in miscs:
        values = {label: value.item() for label, value in spec_from_misc(misc).items()}
        assert all(domain.space.nodes[label].distribution.contains(value) for label, value in values.items())
        if name not in WIDER:
            domain.space.validate(values)


@pytest.mark.parametrize("name", SPACES)
def test_the_vectorized_graph_equals_the_graph_of_each_trial(name: str) -> None:
    """``v_expr`` has the value of the original graph for the drawn parameters."""
    domain = Domain(None, SPACES[name])
    tids = list(range(20))
    graph = pyll.stochastic.recursive_set_rng_kwarg(
        as_apply([domain.vh.v_expr, domain.vh.idxs_by_label(), domain.vh.vals_by_label()]),
        np.random.default_rng(0),
    )
    values, idxs, vals = pyll.rec_eval(graph, memo={domain.s_new_ids: tids})
    for i, tid in enumerate(tids):
        point = {label: dict(zip(idxs[label], vals[label], strict=True)).get(tid) for label in idxs}
        point = {label: value for label, value in point.items() if value is not None}
        assert pyll.rec_eval(domain.expr, memo=domain.memo_from_config(point)) == values[i]


@pytest.mark.parametrize("name", sorted(set(SPACES) - {"none"}))
def test_a_search_runs_on_the_graph_of_its_domain(name: Any) -> None:
    trials = Trials()
    best = fmin(lambda config: 1.0, SPACES[name], drawn, 6, trials=trials, show_progressbar=False)
    assert best
    assert len(trials) == 6


class Shrinking(SuggestAlgo):
    """Draws near the best value and reads arguments from the memo, like Hyperopt's annealing."""

    def on_node_hyperparameter(self, memo: Any, node: Any, label: Any) -> Any:
        n = memo[node.arg["size"]]
        assert memo[node.arg["rng"]] is self.rng
        idxs, vals = miscs_to_idxs_vals(self.trials.miscs, list(self.domain.params))
        if n == 0 or not vals[label] or node.name != "uniform":
            return ExprEvaluator.on_node(self, memo, node)
        losses = dict(zip(self.trials.tids, self.trials.losses(), strict=True))
        best = min(zip(idxs[label], vals[label], strict=True), key=lambda pair: losses[pair[0]])[1]
        low, high = memo[node.arg["low"]], memo[node.arg["high"]]
        return np.clip(best + self.rng.normal(0, 0.1, n), low, high)


def test_an_algorithm_may_override_how_parameters_are_drawn() -> None:
    def suggest(new_ids: Any, domain: Any, trials: Any, seed: Any) -> Any:
        return [doc for tid in new_ids for doc in Shrinking(domain, trials, seed)(tid)]

    trials = Trials()
    space = {"x": hp.uniform("x", -5, 5), "c": hp.choice("c", [0, hp.uniform("y", -5, 5)])}
    best = fmin(
        lambda c: (c["x"] - 2) ** 2 + abs(c["c"]), space, suggest, 60, trials=trials, rstate=1, verbose=False
    )
    assert abs(best["x"] - 2) < 0.5
    idxs, vals = Shrinking(Domain(None, space), Trials(), 3).batch([5, 6])
    assert list(idxs["x"]) == [5, 6]
    assert len(vals["x"]) == 2


def test_an_algorithm_may_replace_the_drawing_nodes() -> None:
    """Like Hyperopt's TPE, which clones the graph with a posterior in place of the prior."""
    domain = Domain(None, {"x": hp.uniform("x", 0, 10), "c": hp.choice("c", [0, hp.uniform("y", 0, 10)])})
    memo = {domain.vh.vals_by_label()["x"]: scope.repeat(scope.len(domain.vh.idxs_by_label()["x"]), 5.0)}
    memo |= {node: node for node in (domain.s_new_ids, domain.s_rng)}
    posterior = pyll.clone(domain.s_idxs_vals, memo)
    given = {domain.s_new_ids: [0, 1], domain.s_rng: np.random.default_rng(0)}
    idxs, vals = pyll.rec_eval(posterior, memo=given)
    assert vals["x"] == [5.0, 5.0]
    assert set(idxs["y"]) <= {0, 1}


def test_a_vectorize_helper_accepts_any_trial_numbers() -> None:
    n = as_apply(15)
    helper = VectorizeHelper(hp.uniform("p", 0, 1) ** 2, scope.range(n), build=True)
    graph = as_apply([helper.v_expr, helper.idxs_by_label(), helper.vals_by_label()])
    graph = replace_repeat_stochastic(graph)
    squares, idxs, vals = pyll.rec_eval(
        pyll.stochastic.recursive_set_rng_kwarg(graph, np.random.default_rng(1))
    )
    assert list(idxs["p"]) == list(range(15))
    assert squares == [value**2 for value in vals["p"]]
    assert helper.params.keys() == {"p"}
