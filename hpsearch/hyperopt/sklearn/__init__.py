"""Hyperopt's ``sklearn``: ``HyperoptSearchCV``, a search with cross-validation.

The first access to the class imports scikit-learn, so importing this module is cheap.
"""

from __future__ import annotations

from typing import Any

from hpsearch.errors import MissingExtraError
from hpsearch.hyperopt.engine.trials import Trials
from hpsearch.hyperopt.fmin import fmin
from hpsearch.objective.evaluation import STATUS_OK

__all__ = ["STATUS_OK", "HyperoptSearchCV", "Trials", "fmin"]


def __getattr__(name: str) -> Any:
    if name != "HyperoptSearchCV":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import sklearn  # noqa: F401 - checks that it is installed
    except ImportError as error:
        sentence = str(MissingExtraError("HyperoptSearchCV", "sklearn"))
        raise ImportError(sentence, name="sklearn") from error
    from hpsearch.hyperopt.sklearn.search import HyperoptSearchCV

    return HyperoptSearchCV
