"""Ray Tune's ``HyperOptSearch``, as Ray's search loop calls it: two trials at a time, and a saved searcher.

Without Ray's cluster, which has nothing to do with Hyperopt and takes its time to start.
"""

import tempfile
from pathlib import Path

from hyperopt import hp
from ray import tune
from ray.tune.search import ConcurrencyLimiter
from ray.tune.search.hyperopt import HyperOptSearch
from report import report

SPACE = {"x": hp.uniform("x", -1, 1), "kind": hp.choice("kind", ["wide", "deep"])}

#: With parameters that only one of the options has.
CONDITIONAL = {
    "x": hp.uniform("x", -1, 1),
    "net": hp.choice("net", [{"kind": "wide", "units": hp.quniform("units", 8, 64, 8)}, {"kind": "deep"}]),
}


def loss(config):
    return (config["x"] - 0.3) ** 2 + (0.0 if config["kind"] == "deep" else 0.1)


def searcher():
    points = [{"x": 0.9, "kind": "deep"}]
    return HyperOptSearch(SPACE, metric="loss", mode="min", points_to_evaluate=points, random_state_seed=1)


losses = []
search = ConcurrencyLimiter(searcher(), max_concurrent=2)
for i in range(0, 40, 2):
    running = {str(tid): search.suggest(str(tid)) for tid in (i, i + 1)}
    assert search.suggest("one too many") is None
    for tid, config in running.items():
        losses.append(loss(config))
        search.on_trial_result(tid, {"loss": losses[-1], "training_iteration": 1})
        search.on_trial_complete(tid, {"loss": losses[-1]})
    if i == 0:
        assert running["0"] == {"x": 0.9, "kind": "deep"}

with tempfile.TemporaryDirectory() as folder:
    saved = str(Path(folder) / "searcher.pkl")
    search.searcher.save(saved)
    restored = searcher()
    restored.restore(saved)
    assert len(restored._hpopt_trials.trials) == 40
    assert -1 <= restored.suggest("next")["x"] <= 1

for space in (
    CONDITIONAL,
    # Ray's own words, which become a space of Hyperopt's.
    HyperOptSearch.convert_search_space(
        {
            "x": tune.uniform(-1, 1),
            "net": {"kind": tune.choice(["wide", "deep"]), "units": tune.randint(8, 64)},
        }
    ),
):
    asked = HyperOptSearch(space, metric="loss", mode="min")
    for i in range(25):
        config = asked.suggest(str(i))
        assert config["net"]["kind"] == "deep" or config["net"]["units"] >= 8
        asked.on_trial_complete(str(i), {"loss": config["x"] ** 2})
report(len(losses), min(losses))
