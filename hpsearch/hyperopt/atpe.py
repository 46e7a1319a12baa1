"""Hyperopt's ``atpe`` is not here: it says what to use instead."""

from __future__ import annotations

from typing import Any, NoReturn

from hpsearch.errors import ConfigurationError

__all__ = ["suggest"]


def suggest(*args: Any, **kwargs: Any) -> NoReturn:
    """Refuse.

    Raises
    ------
    ConfigurationError
        Always.
    """
    raise ConfigurationError(
        "hpsearch has no atpe.suggest, whose trained models only Hyperopt has; "
        "use tpe.suggest, which needs no tuning."
    )
