"""CatBoost's regressor."""

import catboost
import numpy as np
from trial import StoppedTrial

from hpsearch.integrations import callbacks
from hpsearch.objective.current_trial import under_evaluation

rng = np.random.default_rng(0)
X = rng.normal(size=(400, 5))
y = X[:, 0] * 2 + X[:, 1] ** 2

with under_evaluation(trial := StoppedTrial()):
    model = catboost.CatBoostRegressor(
        iterations=50, depth=3, thread_count=1, verbose=False, allow_writing_files=False
    )
    model.fit(
        X[:300], y[:300], eval_set=(X[300:], y[300:]), callbacks=[callbacks.catboost(data="validation")]
    )
trial.check(model.tree_count_)
