"""Ray Tune's ``HyperOptSearch``: points to begin with, trials at the same time, a saved searcher."""

import tempfile
from pathlib import Path

import ray
from hyperopt import hp
from ray import tune
from ray.tune.search import ConcurrencyLimiter
from ray.tune.search.hyperopt import HyperOptSearch
from report import report

SPACE = {
    "x": hp.uniform("x", -1, 1),
    "net": hp.choice("net", [{"kind": "wide", "units": hp.quniform("units", 8, 64, 8)}, {"kind": "deep"}]),
}


def train(config):
    tune.report({"loss": (config["x"] - 0.3) ** 2 + (0.0 if config["net"]["kind"] == "deep" else 0.1)})


def searcher():
    points = [{"x": 0.9, "net": 0, "units": 16}]
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
    assert results[0].config["x"] == 0.9
    saved = str(Path(folder) / "searcher.pkl")
    search.searcher.save(saved)
    restored = searcher()
    restored.restore(saved)
    assert len(restored._hpopt_trials.trials) == 16
    assert -1 <= restored.suggest("next")["x"] <= 1

    # A space of Ray's own is converted into one of Hyperopt's.
    own = HyperOptSearch(
        {"x": tune.uniform(-1, 1), "units": tune.qrandint(8, 64, 8), "kind": tune.choice(["wide", "deep"])},
        metric="loss",
        mode="min",
    )
    point = own.suggest("one")
    own.on_trial_complete("one", {"loss": 1.0})
    assert point["kind"] in {"wide", "deep"} and point["units"] % 8 == 0
report(len(results), results.get_best_result().metrics["loss"])
ray.shutdown()
