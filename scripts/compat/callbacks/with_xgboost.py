"""XGBoost's own training, its cross-validation and an estimator."""

import numpy as np
import xgboost
from trial import StoppedTrial

from hpsearch.integrations import callbacks
from hpsearch.objective.current_trial import under_evaluation

rng = np.random.default_rng(0)
X = rng.normal(size=(400, 5))
y = X[:, 0] * 2 + X[:, 1] ** 2
train, valid = xgboost.DMatrix(X[:300], y[:300]), xgboost.DMatrix(X[300:], y[300:])
config = {"max_depth": 3, "eta": 0.1, "nthread": 1}

with under_evaluation(trial := StoppedTrial()):
    evals = [(train, "train"), (valid, "valid")]
    model = xgboost.train(config, train, 50, evals=evals, verbose_eval=False, callbacks=[callbacks.xgboost()])
trial.check(model.num_boosted_rounds())

with under_evaluation(trial := StoppedTrial()):
    rounds = xgboost.cv(config, train, 50, nfold=3, callbacks=[callbacks.xgboost(data="test")])
trial.check(len(rounds))

with under_evaluation(trial := StoppedTrial()):
    estimator = xgboost.XGBRegressor(
        n_estimators=50, max_depth=3, n_jobs=1, callbacks=[callbacks.xgboost("rmse")]
    )
    estimator.fit(X[:300], y[:300], eval_set=[(X[300:], y[300:])], verbose=False)
trial.check(estimator.get_booster().num_boosted_rounds())
