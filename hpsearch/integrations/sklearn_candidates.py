"""Parameters of an estimator from a configuration of a search space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Integral
from typing import Any

from sklearn.base import clone


def candidate(estimator: Any, estimators: Mapping[str, Any], config: Any) -> dict[str, Any]:
    """Return the parameters of an estimator for a configuration.

    Parameters
    ----------
    estimator : estimator
        The estimator whose parameters are searched.
    estimators : mapping of str to estimator
        Estimators by the names that stand for them.
    config : mapping
        The configuration; dicts in it contribute their items.

    Raises
    ------
    TypeError
        If the configuration is no dict.
    ValueError
        If it sets a parameter twice.
    """
    if not isinstance(config, Mapping):
        raise TypeError(f"A configuration of the space must be a dict of parameters, not {config!r}.")
    chosen = dict[str, Any]()
    for name, value in _flat(config):
        if name in chosen:
            raise ValueError(f"The space sets the parameter {name!r} twice in one configuration.")
        chosen[name] = value
    parts = {k: clone(estimators[v]) for k, v in chosen.items() if isinstance(v, str) and v in estimators}
    defaults = clone(estimator).set_params(**parts).get_params()
    return {name: parts.get(name, _as_default(value, defaults.get(name))) for name, value in chosen.items()}


def _flat(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the parameters of a configuration; dicts contribute their items."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _flat(value)
        else:
            yield name, value


def _as_default(value: Any, default: Any) -> Any:
    """Return an integral float as an integer where the estimator's default is one, as ``quniform`` needs."""
    is_whole = isinstance(value, float) and value.is_integer()
    takes_integer = isinstance(default, Integral) and not isinstance(default, bool)
    return int(value) if is_whole and takes_integer else value
