"""Reads the objectives and limited numbers that a search has declared from what an objective returned."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hpsearch.core.outcomes import Outcomes
from hpsearch.core.trial import FailureKind
from hpsearch.objective.current_trial import real_number, typed


class DeclaredNumberError(Exception):
    """A declared number is missing, or is not a number; the text is a sentence about it.

    Parameters
    ----------
    kind : FailureKind
        Why the trial fails.
    sentence : str
        The sentence.
    """

    def __init__(self, kind: FailureKind, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


def read_losses(returned: Mapping[Any, Any], outcomes: Outcomes) -> dict[str, float]:
    """Return the losses of several objectives by name, as returned.

    Parameters
    ----------
    returned : mapping
        What the objective returned.
    outcomes : Outcomes
        What the search has declared.

    Raises
    ------
    DeclaredNumberError
        If one is missing, NaN or no number.
    """
    return {one.name: _number(one.name, one.goal.in_result(returned)) for one in outcomes.objectives}


def read_violations(returned: Mapping[Any, Any], outcomes: Outcomes) -> dict[str, float]:
    """Return by how much each limit is exceeded, by name; zero or less where it is kept.

    Parameters
    ----------
    returned : mapping
        What the objective returned.
    outcomes : Outcomes
        What the search has declared.

    Raises
    ------
    DeclaredNumberError
        If a limited number is missing, NaN or no number.
    """
    violations = {}
    for limit in outcomes.limits:
        found, is_amount = outcomes.limited(limit, returned)
        number = _number(limit.name, found)
        violations[limit.name] = number if is_amount else limit.amount(number)
    return violations


def _number(name: str, found: Any) -> float:
    if found is None:
        raise DeclaredNumberError(
            FailureKind.INVALID_RESULT, f"The objective returned no {name!r}, which the search has declared."
        )
    number = real_number(found)
    if number is None:
        raise DeclaredNumberError(
            FailureKind.INVALID_RESULT, f"The objective returned the {name} {typed(found)}, not a number."
        )
    if math.isnan(number):
        raise DeclaredNumberError(FailureKind.NAN, f"The {name} is not a number (NaN).")
    return number
