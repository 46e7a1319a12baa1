"""lale's ``Hyperopt``: pipelines with a choice of steps, searched together with their parameters."""

import lale
from lale.lib.lale import Hyperopt, NoOp
from lale.lib.sklearn import PCA, KNeighborsClassifier, LogisticRegression
from report import report
from sklearn.datasets import load_iris

lale.wrap_imported_operators()
x, y = load_iris(return_X_y=True)
search = Hyperopt(
    estimator=(PCA | NoOp) >> (LogisticRegression | KNeighborsClassifier),
    cv=3,
    max_evals=10,
    scoring="accuracy",
    show_progressbar=False,
)
trained = search.fit(x, y)
summary = trained.summary()
assert len(trained.predict(x)) == len(y)
report(len(summary), summary["loss"].min())
