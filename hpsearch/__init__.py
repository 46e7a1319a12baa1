"""Hyperparameter search on a fleet of machines, with MongoDB as the queue.

The public names are imported on first use, so that ``hpsearch --help`` does not import NumPy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpsearch import hp
    from hpsearch.asktell.opening import open  # noqa: A004 - read as hpsearch.open
    from hpsearch.errors import HpsearchError, SpaceError
    from hpsearch.hyperopt import Trials, anneal, auto, rand, tpe
    from hpsearch.hyperopt.fmin import fmin, space_eval
    from hpsearch.hyperopt.mongoexp import MongoTrials
    from hpsearch.objective.checkpoint import Checkpoint
    from hpsearch.objective.current_trial import CurrentTrial, Pruned, current_trial
    from hpsearch.objective.evaluation import STATUS_FAIL, STATUS_OK
    from hpsearch.report.stored_search import load
    from hpsearch.space.point_conditions import where
    from hpsearch.space.tree import Space

__all__ = [
    "STATUS_FAIL",
    "STATUS_OK",
    "Checkpoint",
    "CurrentTrial",
    "HpsearchError",
    "MongoTrials",
    "Pruned",
    "Space",
    "SpaceError",
    "Trials",
    "__version__",
    "anneal",
    "auto",
    "current_trial",
    "fmin",
    "hp",
    "load",
    "open",
    "rand",
    "space_eval",
    "tpe",
    "where",
]

__version__ = "0.1.0"

_MODULES = {
    "STATUS_FAIL": "hpsearch.objective.evaluation",
    "STATUS_OK": "hpsearch.objective.evaluation",
    "Checkpoint": "hpsearch.objective.checkpoint",
    "CurrentTrial": "hpsearch.objective.current_trial",
    "Pruned": "hpsearch.objective.current_trial",
    "current_trial": "hpsearch.objective.current_trial",
    "HpsearchError": "hpsearch.errors",
    "SpaceError": "hpsearch.errors",
    "MongoTrials": "hpsearch.hyperopt.mongoexp",
    "Space": "hpsearch.space.tree",
    "Trials": "hpsearch.hyperopt",
    "anneal": "hpsearch.hyperopt",
    "auto": "hpsearch.hyperopt",
    "fmin": "hpsearch.hyperopt",
    "load": "hpsearch.report.stored_search",
    "open": "hpsearch.asktell.opening",
    "rand": "hpsearch.hyperopt",
    "space_eval": "hpsearch.hyperopt",
    "tpe": "hpsearch.hyperopt",
    "where": "hpsearch.space.point_conditions",
}


def __getattr__(name: str) -> Any:
    if name == "hp":
        return importlib.import_module("hpsearch.hp")
    if name not in _MODULES:
        raise AttributeError(f"module 'hpsearch' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
