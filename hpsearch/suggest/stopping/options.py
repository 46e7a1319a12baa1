"""Checks of the options of rules."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.spelling import did_you_mean


def check_names(rule: str, options: Mapping[str, Any], known: type[Any]) -> None:
    """Raise ``ConfigurationError`` for an option that a rule does not have.

    Parameters
    ----------
    rule : str
        Name of the rule.
    options : mapping
        Options by name.
    known : dataclass
        Its fields are the options of the rule.
    """
    names = [field.name for field in dataclasses.fields(known)]
    for name in options:
        if name not in names:
            has = ", ".join(names)
            raise ConfigurationError(
                f"The pruner {rule} has no option {name!r}{did_you_mean(name, names)}; it has: {has}."
            )


def require(rule: str, name: str, value: Any, *, above: float, below: float, kind: str) -> None:
    """Raise ``ConfigurationError`` unless an option is a number in a range.

    Parameters
    ----------
    rule : str
        Name of the rule.
    name : str
        Name of the option.
    value : object
        Its value.
    above : float
        Lower end of the range, allowed.
    below : float
        Upper end of the range, not allowed.
    kind : str
        The range in words.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not above <= value < below:
        raise ConfigurationError(f"The option {name} of the pruner {rule} must be {kind}, not {value!r}.")
