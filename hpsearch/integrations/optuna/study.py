"""A study of Optuna as values, read from any of its storages.

Optuna stores a float for each suggested parameter, and beside it a JSON text with the distribution: of a
categorical parameter, the float is the index of the choice.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from hpsearch.errors import LoadError


class TrialState(IntEnum):
    """State of a trial, with Optuna's numbers."""

    RUNNING = 0
    COMPLETE = 1
    PRUNED = 2
    FAIL = 3
    WAITING = 4


#: States that Optuna never changes again.
ENDED = frozenset({TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The distribution of a number."""

    low: float  #: smallest value
    high: float  #: largest value, included
    step: float | None = None  #: values are ``low`` plus multiples of it
    is_log: bool = False  #: whether its logarithm is uniform
    is_integer: bool = False  #: whether the objective receives an int

    @property
    def n_values(self) -> int | None:
        """Number of values; None if infinite."""
        if self.step is None:
            return None
        return math.floor((self.high - self.low) / self.step + 1e-9) + 1

    def values(self) -> list[float | int]:
        """Return the values of a range with a step, in ascending order."""
        assert self.step is not None
        found = [self.low + i * self.step for i in range(self.n_values or 0)]
        return [round(value) for value in found] if self.is_integer else list(found)


@dataclass(frozen=True, slots=True)
class Options:
    """The distribution of a categorical parameter."""

    choices: tuple[Any, ...]  #: null, bools, numbers and texts; rarely anything else that JSON has


Distribution = Range | Options


@dataclass(frozen=True, slots=True)
class Suggested:
    """A suggested parameter."""

    value: Any  #: as the objective received it
    distribution: Distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyTrial:
    """A trial of a study."""

    number: int  #: within the study, from 0
    state: TrialState
    params: Mapping[str, Suggested]  #: by name, in the order of suggestion
    values: tuple[float, ...] = ()  #: of the objectives; empty without a result
    reports: Mapping[int, float] = field(default_factory=dict)  #: intermediate values by step
    started_at: datetime | None = None  #: UTC
    ended_at: datetime | None = None  #: UTC
    user_attrs: Mapping[str, Any] = field(default_factory=dict)
    system_attrs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A study with its trials."""

    name: str
    maximizes: tuple[bool, ...]  #: for each objective, whether higher is better
    trials: Sequence[StudyTrial]  #: by number
    user_attrs: Mapping[str, Any] = field(default_factory=dict)


def suggested(stored: float, distribution_json: str) -> Suggested:
    """Return a parameter from the two values that Optuna stores.

    Parameters
    ----------
    stored : float
        The value; the index of a choice.
    distribution_json : str
        The distribution.

    Raises
    ------
    LoadError
        If the distribution is unknown.
    """
    distribution = distribution_of(distribution_json)
    if isinstance(distribution, Options):
        return Suggested(distribution.choices[int(stored)], distribution)
    return Suggested(int(stored) if distribution.is_integer else float(stored), distribution)


def distribution_of(text: str) -> Distribution:
    """Return the distribution of Optuna's JSON text; also of the names before version 3.

    Raises
    ------
    LoadError
        If it is unknown.
    """
    found = json.loads(text)
    name, of = found["name"], found["attributes"]
    match name:
        case "CategoricalDistribution":
            return Options(tuple(of["choices"]))
        case "FloatDistribution":
            return Range(low=of["low"], high=of["high"], step=of["step"], is_log=of["log"])
        case "UniformDistribution" | "LogUniformDistribution":
            return Range(low=of["low"], high=of["high"], is_log=name == "LogUniformDistribution")
        case "DiscreteUniformDistribution":
            return Range(low=of["low"], high=of["high"], step=of["q"])
        case "IntDistribution" | "IntUniformDistribution" | "IntLogUniformDistribution":
            is_log = of.get("log", name == "IntLogUniformDistribution")
            return Range(
                low=of["low"], high=of["high"], step=of.get("step", 1), is_log=is_log, is_integer=True
            )
    raise LoadError(f"The study has a parameter with the distribution {name!r}, which is unknown here.")


def time_of(text: str | None) -> datetime | None:
    """Return a stored time; one without a zone is UTC."""
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def chosen_study(names: Sequence[str], wanted: str | None) -> str:
    """Return the name of the study to read: the wanted one, or the only one.

    Parameters
    ----------
    names : sequence of str
        The studies of a storage.
    wanted : str or None
        The name that a user gave.

    Raises
    ------
    LoadError
        If it does not exist, or several do and none is named.
    """
    listed = ", ".join(map(repr, names)) or "none"
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted is None:
        raise LoadError(f"Name the study to import; the storage has: {listed}.")
    if wanted not in names:
        raise LoadError(f"The storage has no study {wanted!r}; it has: {listed}.")
    return wanted
