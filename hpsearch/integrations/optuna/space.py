"""Reconstructs the search space of a study.

A study has no space: its objective suggests parameters as it goes, and each trial stores the distributions of
those it suggested. Here, the space is what explains all trials.

- A number has the union of its ranges, since they may differ from trial to trial.
- A parameter that some complete trial lacks is conditional. It is put under the options of the simplest
  discrete parameter before it whose value alone determines, in every complete trial, whether it is there.
  Conditions may be nested. Trials that failed or were pruned may have ended before a suggestion, so they show
  only what is there.
- An option that occurs in no trial has the parameters of the nearest number that does, or none.

The result is a document as ``objective.space_table`` reads it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from numbers import Real
from typing import Any

from hpsearch.errors import SpaceError
from hpsearch.integrations.optuna.study import Distribution, Options, Range, StudyTrial, TrialState
from hpsearch.runtime.escaping import named, shown

#: Most values of a number that becomes a choice.
_MAX_OPTIONS = 100

#: By how much a range on a grid ends beyond its last value, in steps: all values then have one probability.
_HALF = 0.499

#: Trials that a message names.
_MAX_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconstruction:
    """The space of a study."""

    document: Mapping[str, Any]  #: as ``space_table.space_of`` reads it
    notes: Sequence[str]  #: sentences about what was concluded


@dataclass(frozen=True, slots=True)
class _Condition:
    """A parameter is active where another one has certain values."""

    parent: str
    values: frozenset[int]  #: indices into the options of the parent


def reconstruct(trials: Sequence[StudyTrial]) -> Reconstruction:
    """Return the space that explains the trials of a study.

    Parameters
    ----------
    trials : sequence of StudyTrial
        All of the study, in any state.

    Raises
    ------
    SpaceError
        If no trial has a parameter, or a conditional one depends on more than one other at a time.
    """
    ranges = _distributions(trials)
    if not ranges:
        raise SpaceError("No trial of the study has parameters, so there is no search space to import.")
    present = {label: [trial for trial in trials if label in trial.params] for label in ranges}
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    discrete = {label: found for label, of in ranges.items() if (found := _values(of)) is not None}
    conditions: dict[str, _Condition] = {}
    for index, label in enumerate(ranges):
        if any(label not in trial.params for trial in complete):
            candidates = [other for other in list(ranges)[:index] if other in discrete]
            conditions[label] = _condition(label, candidates, discrete, present[label], complete)
    builder = _Builder(ranges, discrete, conditions)
    return Reconstruction(
        document={"space": builder.table([label for label in ranges if label not in conditions])},
        notes=[*builder.notes, *(_text(label, of, discrete) for label, of in conditions.items())],
    )


def constants_of(trials: Sequence[StudyTrial]) -> frozenset[str]:
    """Return the numbers that have one value in all trials of a study."""
    return frozenset(label for label, of in _distributions(trials).items() if _is_single(of))


def _distributions(trials: Sequence[StudyTrial]) -> dict[str, Distribution]:
    """Return the union of the distributions of each parameter, in the order of their first suggestion."""
    found: dict[str, Distribution] = {}
    for trial in trials:
        for label, one in trial.params.items():
            known = found.setdefault(label, one.distribution)
            if isinstance(known, Range) and isinstance(one.distribution, Range):
                found[label] = _union(known, one.distribution)
    return found


def _union(one: Range, other: Range) -> Range:
    low, high = min(one.low, other.low), max(one.high, other.high)
    is_one_grid = one.step == other.step and (
        one.step is None or ((one.low - other.low) / one.step).is_integer()
    )
    step = one.step if is_one_grid else 1 if one.is_integer else None
    return Range(low=low, high=high, step=step, is_log=one.is_log, is_integer=one.is_integer)


def _is_single(distribution: Distribution) -> bool:
    return isinstance(distribution, Range) and distribution.low == distribution.high


def _values(distribution: Distribution) -> list[Any] | None:
    """Return the values of a parameter on which others may depend; None if there are too many."""
    if isinstance(distribution, Options):
        return list(distribution.choices)
    n = distribution.n_values
    return distribution.values() if n is not None and 1 < n <= _MAX_OPTIONS else None


def _condition(
    label: str,
    candidates: Sequence[str],
    discrete: Mapping[str, Sequence[Any]],
    present: Sequence[StudyTrial],
    complete: Sequence[StudyTrial],
) -> _Condition:
    """Return the condition of a parameter: the simplest that explains all trials, of equals the closest.

    With few trials, several do by chance. A number is likelier to be a count, from which on the parameter is
    there, and one with few values likelier to decide than one with many.
    """
    absent = [trial for trial in complete if label not in trial.params]
    found: list[tuple[bool, int, int, _Condition]] = []
    for distance, parent in enumerate(reversed(candidates)):
        if not all(parent in trial.params for trial in present):
            continue
        values = discrete[parent]
        with_it = _shown(parent, values, present)
        without = _shown(parent, values, [trial for trial in absent if parent in trial.params])
        if without and not with_it & without:
            condition = _Condition(parent, _completed(values, with_it, without))
            is_odd = _are_numbers(values) and max(without) > min(with_it)  # not from some number on
            found.append((is_odd, len(with_it | without), distance, condition))
    if found:
        return min(found, key=lambda one: one[:3])[-1]
    numbers = ", ".join(str(trial.number) for trial in absent[:_MAX_NAMED])
    raise SpaceError(
        f"The parameter {named(label)} is missing in complete trials (such as {numbers}), and no single "
        "other parameter explains when it is suggested; write the search space, and name it with --space."
    )


def _shown(label: str, values: Sequence[Any], trials: Iterable[StudyTrial]) -> set[int]:
    """Return the options of a parameter that occur in some trials."""
    found = (option_index(values, trial.params[label].value) for trial in trials)
    return {index for index in found if index is not None}


def _are_numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(value, Real) and not isinstance(value, bool) for value in values)


def _completed(values: Sequence[Any], with_it: set[int], without: set[int]) -> frozenset[int]:
    """Add the numbers that no trial has, if the nearest number that one has shows the parameter."""
    seen = with_it | without
    if not _are_numbers(values):
        return frozenset(with_it)
    nearest = (min(seen, key=lambda i: (abs(i - index), i)) for index in range(len(values)))
    return frozenset(index for index, near in enumerate(nearest) if near in with_it)


def option_index(values: Sequence[Any], value: Any) -> int | None:
    """Return the position of a value, None if it is not among them.

    Parameters
    ----------
    values : sequence
        The options of a choice.
    value : any
        One of them; True is not 1, and a float may be off by rounding.
    """
    for index, other in enumerate(values):
        is_close = isinstance(other, float) and isinstance(value, float) and isclose(other, value)
        if is_close or (isinstance(other, bool) == isinstance(value, bool) and other == value):
            return index
    return None


class _Builder:
    """Writes the tables of a space.

    Parameters
    ----------
    distributions : mapping
        Of all parameters.
    discrete : mapping
        Values of those on which others may depend.
    conditions : mapping
        Of the conditional parameters.
    """

    def __init__(
        self,
        distributions: Mapping[str, Distribution],
        discrete: Mapping[str, Sequence[Any]],
        conditions: Mapping[str, _Condition],
    ) -> None:
        self.notes: list[str] = []
        self._distributions, self._discrete = distributions, discrete
        self._below = defaultdict[str, list[tuple[str, frozenset[int]]]](list)
        for label, condition in conditions.items():
            self._below[condition.parent].append((label, condition.values))

    def table(self, labels: Sequence[str]) -> dict[str, Any]:
        """Return the table of some parameters, each with all that depends on it."""
        return {label: self._parameter(label) for label in labels}

    def _parameter(self, label: str) -> Any:
        below, distribution = self._below[label], self._distributions[label]
        if below:
            options = [
                {label: value, **self.table([name for name, values in below if index in values])}
                for index, value in enumerate(self._discrete[label])
            ]
            return {"choice": options}
        if isinstance(distribution, Options):
            return {"choice": list(distribution.choices)}
        if _is_single(distribution):
            return round(distribution.low) if distribution.is_integer else distribution.low
        return self._number(label, distribution)

    def _number(self, label: str, of: Range) -> dict[str, Any]:
        low, high, step = of.low, of.high, of.step
        as_int = {"int": True} if of.is_integer else {}
        if of.is_log and of.is_integer:
            return {"dist": "qloguniform", "low": low - _HALF, "high": high + _HALF, "q": 1, **as_int}
        if of.is_log or step is None:
            return {"dist": "loguniform" if of.is_log else "uniform", "low": low, "high": high}
        if of.is_integer and step == 1:
            return {"dist": "randint", "low": round(low), "high": round(high) + 1}
        last = of.values()[-1]
        if abs(low / step - round(low / step)) < 1e-9:
            margin = _HALF * step
            return {"dist": "quniform", "low": low - margin, "high": last + margin, "q": step, **as_int}
        if label in self._discrete:  # a grid that does not contain 0
            return {"choice": list(self._discrete[label])}
        self.notes.append(f"{label}: the step {step:g} is left out.")
        if of.is_integer:
            return {"dist": "randint", "low": round(low), "high": round(high) + 1}
        return {"dist": "uniform", "low": low, "high": high}


def _text(label: str, condition: _Condition, discrete: Mapping[str, Sequence[Any]]) -> str:
    values = discrete[condition.parent]
    listed = ", ".join(shown(values[index]) for index in sorted(condition.values))
    return f"{label}: only where {condition.parent} is {listed}."
