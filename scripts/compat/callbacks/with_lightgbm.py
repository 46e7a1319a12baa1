"""LightGBM's own training, beside early stopping, and an estimator."""

import lightgbm
import numpy as np
from trial import StoppedTrial

from hpsearch.integrations import callbacks
from hpsearch.objective.current_trial import under_evaluation

rng = np.random.default_rng(0)
X = rng.normal(size=(400, 5))
y = X[:, 0] * 2 + X[:, 1] ** 2
config = {"max_depth": 3, "metric": "l2", "num_threads": 1, "verbose": -1}

with under_evaluation(trial := StoppedTrial()):
    train = lightgbm.Dataset(X[:300], y[:300])
    valid = train.create_valid(X[300:], y[300:])
    used = [lightgbm.early_stopping(20, verbose=False), callbacks.lightgbm(data="valid")]
    model = lightgbm.train(config, train, 50, valid_sets=[valid], valid_names=["valid"], callbacks=used)
trial.check(model.best_iteration)

with under_evaluation(trial := StoppedTrial()):
    estimator = lightgbm.LGBMRegressor(n_estimators=50, n_jobs=1, verbose=-1)
    estimator.fit(X[:300], y[:300], eval_set=[(X[300:], y[300:])], callbacks=[callbacks.lightgbm("l2")])
trial.check(estimator.best_iteration_)
