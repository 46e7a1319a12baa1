"""Hyperopt's ``SparkTrials`` is not here: it says what to use instead."""

from __future__ import annotations

from typing import Any

from hpsearch.hyperopt.absent import absent

__all__ = ["SparkTrials"]


class SparkTrials:
    """Refuses to be made.

    Raises
    ------
    ConfigurationError
        Always.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise absent("Spark")
