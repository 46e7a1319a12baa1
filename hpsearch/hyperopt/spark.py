"""Hyperopt's ``SparkTrials`` is not here: it says what to use instead."""

from __future__ import annotations

from typing import Any

from hpsearch.errors import ConfigurationError

__all__ = ["SparkTrials"]


class SparkTrials:
    """Refuses to be made.

    Raises
    ------
    ConfigurationError
        Always.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise ConfigurationError(
            "hpsearch does not run on Spark; use Trials() to search in this process, "
            "or the commands hpsearch run and hpsearch worker to search on many machines."
        )
