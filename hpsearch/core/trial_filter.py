"""Filters of trials: conditions such as ``lr < 1e-3 and optimizer == 'adam'`` on what a trial has.

A name in a condition is one of several objectives, else a field of the trial (``loss``, ``state``,
``duration_s``), else a parameter, else a metric that the objective returned. ``params.NAME`` and
``result.NAME`` mean the parameter or the metric that shares its name with a field. Dates are texts such as
``'2026-11-28 17:05:00'``, in UTC. A trial is selected only where the condition is true: a value that a trial
does not have makes a comparison unknown, see ``space.predicate``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from itertools import islice
from typing import Any

import numpy as np

from hpsearch.core.trial import Trial
from hpsearch.core.trial_fields import FIELDS, SYNONYMS, metrics_of
from hpsearch.space.columns import Column, Numbers, Options
from hpsearch.space.predicate import Predicate, parse

#: Trials whose condition is computed at once.
_BATCH = 500

#: Numbers up to this size are exact as floats.
_MAX_EXACT = 2**53

_MISSING = object()


class Place(Enum):
    """Where the value of a name stands in a trial."""

    FIELD = auto()
    PARAM = auto()
    METRIC = auto()
    UNDECLARED = auto()  #: a parameter that the space does not have, or else a metric


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialFilter:
    """A condition on trials."""

    predicate: Predicate
    labels: frozenset[str]  #: the parameters of the space
    objectives: frozenset[str] = frozenset()  #: several objectives, whose names come before all others

    def select(self, trials: Iterable[Trial]) -> Iterator[Trial]:
        """Yield the trials for which the condition is true, in order."""
        waiting = iter(trials)
        while batch := list(islice(waiting, _BATCH)):
            metrics = [metrics_of(trial) for trial in batch]
            columns = {
                name: _column(
                    [self._value(name, trial, found) for trial, found in zip(batch, metrics, strict=True)]
                )
                for name in self.predicate.names
            }
            is_selected = self.predicate.truth(columns, len(batch)).is_true
            yield from (batch[i] for i in np.flatnonzero(is_selected))

    def place(self, name: str) -> tuple[Place, str]:
        """Return where the value of a name stands, and under which name."""
        if name in self.objectives:
            return Place.METRIC, name
        if SYNONYMS.get(name, name) in FIELDS:
            return Place.FIELD, SYNONYMS.get(name, name)
        if name in self.labels:
            return Place.PARAM, name
        for prefix, place in (("params.", Place.PARAM), ("result.", Place.METRIC)):
            if name.startswith(prefix):
                return place, name.removeprefix(prefix)
        return Place.UNDECLARED, name

    def unknown_names(self, trials: Iterable[Trial]) -> set[str]:
        """Return the names of the condition that are no fields, no parameters, and no metrics of any trial.

        Parameters
        ----------
        trials : iterable of Trial
            All trials; read only as far as necessary.
        """
        unknown = {name for name in self.predicate.names if not self._is_declared(name)}
        for trial in trials if unknown else ():
            metrics = metrics_of(trial)
            unknown = {name for name in unknown if self._value(name, trial, metrics) is _MISSING}
            if not unknown:
                break
        return unknown

    def _is_declared(self, name: str) -> bool:
        place, plain = self.place(name)
        return (
            place is Place.FIELD or (place is Place.PARAM and plain in self.labels) or name in self.objectives
        )

    def _value(self, name: str, trial: Trial, metrics: dict[str, Any]) -> Any:
        place, plain = self.place(name)
        match place:
            case Place.FIELD:
                value = FIELDS[plain](trial)
                return _MISSING if value is None else _plain(value)
            case Place.PARAM:
                return trial.params.get(plain, _MISSING)
            case Place.METRIC:
                return _plain(metrics.get(plain, _MISSING))
        return trial.params.get(plain, _plain(metrics.get(plain, _MISSING)))


def filter_of(text: str, labels: Collection[str], objectives: Collection[str] = ()) -> TrialFilter:
    """Return the filter that a text describes.

    Parameters
    ----------
    text : str
        A condition; see the module.
    labels : collection of str
        The parameters of the space.
    objectives : collection of str
        The names of several objectives.

    Raises
    ------
    PredicateError
        If the text is no condition.
    """
    return TrialFilter(predicate=parse(text), labels=frozenset(labels), objectives=frozenset(objectives))


def _plain(value: Any) -> Any:
    """Return a value that a condition can compare."""
    match value:
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case str():
            return str(value)  # of an enumeration, too
    return value


def _column(values: Sequence[Any]) -> Column:
    """Return values as numbers where all of them are numbers that floats represent."""
    is_missing = np.array([value is _MISSING for value in values], dtype=bool)
    if all(value is _MISSING or _is_exact(value) for value in values):
        numbers = [0.0 if value is _MISSING else float(value) for value in values]
        return Numbers(np.array(numbers, dtype=np.float64), is_missing)
    codes: dict[tuple[type, str], int] = {}
    options: list[Any] = []
    found = []
    for value in values:
        if value is _MISSING:
            found.append(-1)
            continue
        key = (type(value), repr(value))
        if key not in codes:
            codes[key] = len(options)
            options.append(value)
        found.append(codes[key])
    return Options(tuple(options), np.array(found, dtype=np.intp))


def _is_exact(value: Any) -> bool:
    """Whether a value is a number, not NaN, that a float represents exactly."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return (isinstance(value, float) and value == value) or abs(value) <= _MAX_EXACT
