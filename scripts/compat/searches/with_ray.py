"""Ray Tune's ``HyperOptSearch``: points to begin with, trials at the same time, a saved searcher."""

import tempfile
from pathlib import Path

import ray
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


def train(config):
    tune.report({"loss": loss(config)})


def searcher():
    points = [{"x": 0.9, "kind": "deep"}]
    return HyperOptSearch(SPACE, metric="loss", mode="min", points_to_evaluate=points, random_state_seed=1)


ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
with tempfile.TemporaryDirectory() as folder:
    search = ConcurrencyLimiter(searcher(), max_concurrent=2)
    tuner = tune.Tuner(
        train,
        tune_config=tune.TuneConfig(search_alg=search, num_samples=16, metric="loss", mode="min"),
        run_config=tune.RunConfig(storage_path=folder, verbose=0),
    )
    results = tuner.fit()
    assert results[0].config == {"x": 0.9, "kind": "deep"}
    saved = str(Path(folder) / "searcher.pkl")
    search.searcher.save(saved)
    restored = searcher()
    restored.restore(saved)
    assert len(restored._hpopt_trials.trials) == 16
    assert -1 <= restored.suggest("next")["x"] <= 1
ray.shutdown()

for space in (
    CONDITIONAL,
    # Ray's own words, which become a space of Hyperopt's.
    {"x": tune.uniform(-1, 1), "net": {"kind": tune.choice(["wide", "deep"]), "units": tune.randint(8, 64)}},
):
    asked = HyperOptSearch(space, metric="loss", mode="min")
    for i in range(25):
        config = asked.suggest(str(i))
        assert config["net"]["kind"] == "deep" or config["net"]["units"] >= 8
        asked.on_trial_complete(str(i), {"loss": config["x"] ** 2})
report(len(results), results.get_best_result().metrics["loss"])
