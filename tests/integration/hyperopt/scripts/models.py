"""Model selection as in the blog posts: a choice of classifiers, scored by cross-validation."""

import numpy as np
from hyperopt import STATUS_FAIL, STATUS_OK, Trials, anneal, fmin, hp, rand, space_eval, tpe
from hyperopt.pyll.base import scope
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler, normalize
from sklearn.tree import DecisionTreeClassifier

iris = load_iris()

space = hp.choice(
    "classifier_type",
    [
        {
            "type": "knn",
            "n_neighbors": hp.choice("knn_n_neighbors", range(1, 50)),
            "weights": hp.choice("weights", ["uniform", "distance"]),
            "scale": hp.choice("scale", [0, 1]),
        },
        {
            "type": "bayes",
            "var_smoothing": hp.lognormal("var_smoothing", -9, 1.0),
            "normalize": hp.pchoice("normalize", [(0.7, False), (0.3, True)]),
        },
        {
            "type": "tree",
            "max_depth": scope.int(hp.quniform("max_depth", 1, 8, 1)),
            "min_samples_split": hp.choice("min_samples_split", np.arange(2, 6, dtype=int)),
            "max_features": hp.choice("max_features", ["sqrt", None]),
            "min_samples_leaf": hp.uniformint("min_samples_leaf", 1, 5),
        },
        {"type": "broken"},
    ],
)
kinds = {}


def hyperopt_train_test(params):
    params = dict(params)
    t = params.pop("type")
    for name, value in params.items():
        # a NumPy integer as option may arrive as a Python int
        kind = "int" if isinstance(value, np.integer) else type(value).__name__
        kinds.setdefault((t, name), set()).add(kind)
    features = iris.data
    if t == "broken":
        return {"status": STATUS_FAIL, "reason": "not installed"}
    if params.pop("scale", 0) == 1:
        features = StandardScaler().fit_transform(features)
    if params.pop("normalize", False):
        features = normalize(features)
    clf = {"knn": KNeighborsClassifier, "bayes": GaussianNB, "tree": DecisionTreeClassifier}[t](**params)
    scores = cross_val_score(clf, features, iris.target, cv=2)
    return {"loss": -scores.mean(), "status": STATUS_OK, "scores": scores.tolist(), "params": params}


for algo in (tpe.suggest, rand.suggest, anneal.suggest):
    trials = Trials()
    best = fmin(
        fn=hyperopt_train_test,
        space=space,
        algo=algo,
        max_evals=20,
        trials=trials,
        rstate=np.random.default_rng(42),
        show_progressbar=False,
    )
    chosen = space_eval(space, best)
    print(chosen["type"] != "broken", trials.best_trial["result"]["loss"] < -0.9)
    print(set(best) <= set(trials.vals), best == trials.argmin, all(isinstance(k, str) for k in best))
    print(min(loss for loss in trials.losses() if loss is not None) == trials.best_trial["result"]["loss"])
    print(sorted({r["status"] for r in trials.results}), len(trials.trials) == 20)
print({name: sorted(found) for name, found in sorted(kinds.items())})
print(
    type(space_eval(space, {"classifier_type": 0, "knn_n_neighbors": 4, "weights": 1, "scale": 0})).__name__
)

# the result of a choice is an index; space_eval converts it to the option
best = fmin(
    lambda c: abs(c["n"] - 7) + (c["kernel"] == "rbf"),
    {"n": hp.choice("n", list(range(5, 10))), "kernel": hp.choice("kernel", ["linear", "rbf"])},
    algo=tpe.suggest,
    max_evals=80,
    verbose=0,
)
print(best, space_eval({"n": hp.choice("n", list(range(5, 10)))}, best))
tree = {
    "classifier_type": 2,
    "max_depth": 3.0,
    "min_samples_split": 1,
    "max_features": 1,
    "min_samples_leaf": 2.0,
}
print({name: str(value) for name, value in space_eval(space, tree).items()})
print(space_eval(space, {"classifier_type": 0, "knn_n_neighbors": 4, "weights": 1, "scale": 0}))
