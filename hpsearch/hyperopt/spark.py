"""Hyperopt's ``SparkTrials`` is not here: it says what to use instead."""

from __future__ import annotations

from typing import Any

from hpsearch.hyperopt.engine.absent import absent

__all__ = [
    "FMIN_CANCELLED_REASON_EARLY_STOPPING",
    "FMIN_CANCELLED_REASON_TIMEOUT",
    "FMIN_CANCELLED_REASON_USER",
    "SparkTrials",
]

#: Why a search on Spark ended; scripts may name them.
FMIN_CANCELLED_REASON_TIMEOUT = "fmin run timeout"
FMIN_CANCELLED_REASON_EARLY_STOPPING = "early stopping condition"
FMIN_CANCELLED_REASON_USER = "fmin run cancelled by user"


class SparkTrials:
    """Refuses to be made.

    Raises
    ------
    ConfigurationError
        Always.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise absent("Spark")
