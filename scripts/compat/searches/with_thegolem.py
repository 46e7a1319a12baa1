"""GOLEM's tuners of graphs, which FEDOT uses: all nodes at once, and one node after the other."""

from datetime import timedelta

from golem.core.optimisers.graph import OptGraph, OptNode
from golem.core.optimisers.objective import Objective, ObjectiveEvaluate
from golem.core.tuning.search_space import SearchSpace
from golem.core.tuning.sequential import SequentialTuner
from golem.core.tuning.simultaneous import SimultaneousTuner
from hyperopt import hp
from report import report

SPACE = SearchSpace(
    {
        "a": {"x": {"hyperopt-dist": hp.uniform, "sampling-scope": [-2.0, 2.0], "type": "continuous"}},
        "b": {
            "n": {"hyperopt-dist": hp.uniformint, "sampling-scope": [1, 20], "type": "discrete"},
            "kind": {"hyperopt-dist": hp.choice, "sampling-scope": [["p", "q"]], "type": "categorical"},
        },
    }
)
N_EVALUATIONS = 25
calls = []


def loss(graph):
    parameters = {key: value for node in graph.nodes for key, value in node.parameters.items()}
    value = (parameters.get("x", 2) - 0.5) ** 2 + abs(parameters.get("n", 20) - 7) / 10
    calls.append(value + (0.0 if parameters.get("kind") == "q" else 0.3))
    return calls[-1]


def graph():
    return OptGraph(OptNode("b", nodes_from=[OptNode("a")]))


evaluate = ObjectiveEvaluate(Objective({"loss": loss}))
for tuner in (SimultaneousTuner, SequentialTuner):
    tuned = tuner(evaluate, SPACE, iterations=N_EVALUATIONS, timeout=timedelta(minutes=5), n_jobs=1).tune(
        graph(), show_progress=False
    )
    assert tuned.nodes[0].parameters["kind"] in {"p", "q"}, tuned.nodes
report(len(calls), min(calls))
