"""Hyperopt's ``IPythonTrials`` is not here: it says what to use instead."""

from __future__ import annotations

from typing import Any

from hpsearch.hyperopt.engine.absent import absent

__all__ = ["IPythonTrials", "LostEngineError"]


class LostEngineError(RuntimeError):
    """Never raised; scripts may name it."""


class IPythonTrials:
    """Refuses to be made.

    Raises
    ------
    ConfigurationError
        Always.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise absent("IPython engines")
