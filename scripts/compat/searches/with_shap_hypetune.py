"""shap-hypetune: hyperparameters and features of a boosting model, searched by Hyperopt."""

import numpy as np
from hyperopt import Trials, hp
from lightgbm import LGBMRegressor
from report import report
from shaphypetune import BoostSearch
from sklearn.datasets import make_regression
from sklearn.model_selection import train_test_split

x, y = make_regression(n_samples=300, n_features=8, noise=1.0, random_state=0)
x_train, x_valid, y_train, y_valid = train_test_split(x, y, random_state=0)
search = BoostSearch(
    LGBMRegressor(n_estimators=60, random_state=0, verbose=-1),
    param_grid={
        "learning_rate": hp.loguniform("learning_rate", np.log(0.005), np.log(0.3)),
        "num_leaves": 5 + hp.randint("num_leaves", 20),
        "colsample_bytree": hp.uniform("colsample_bytree", 0.6, 1),
    },
    n_iter=10,
    sampling_seed=0,
    verbose=0,
)
search.fit(x_train, y_train, eval_set=[(x_valid, y_valid)], trials=Trials())
report(len(search.scores_), search.best_score_)
