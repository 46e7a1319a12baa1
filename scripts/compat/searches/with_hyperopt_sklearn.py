"""hyperopt-sklearn: a search over classifiers and preprocessing, each evaluated in a process of its own."""

import numpy as np
from hpsklearn import HyperoptEstimator, any_preprocessing, k_neighbors_classifier, svc
from hyperopt import hp, tpe
from report import report
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

if __name__ == "__main__":
    x_train, x_test, y_train, y_test = train_test_split(*load_iris(return_X_y=True), random_state=0)
    estimator = HyperoptEstimator(
        classifier=hp.choice("classifier", [svc("svc"), k_neighbors_classifier("knn")]),
        preprocessing=any_preprocessing("pre"),
        algo=tpe.suggest,
        max_evals=12,
        trial_timeout=60,
        seed=np.random.default_rng(1),
    )
    estimator.fit(x_train, y_train)
    assert estimator.score(x_test, y_test) > 0.8
    losses = [loss for loss in estimator.trials.losses() if loss is not None]
    report(len(estimator.trials), min(losses))
