"""Mapping points of another search space to this one.

Parameters are matched by label, and their values as the objective sees them: numbers as numbers, options by
their content. A point has no counterpart if one of its values lies outside the range here, or in an option
that does not exist here. Parameters that only one of the spaces has are left out; ``complete`` fills them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from numbers import Real

import numpy as np

from hpsearch.space.distribution import Categorical, Integer, Numeric
from hpsearch.space.expression import Choice, Literal, Number
from hpsearch.space.parameters import Parameter
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.tpe.axis import axis
from hpsearch.suggest.warm_start.options import match_options

#: A value this far outside the range, in units of the range, is moved to its end.
_SLACK = 0.02

#: Maps a raw value there to one here; None if there is no counterpart.
Conversion = Callable[[float], float | int | None]


class SpaceMatch:
    """How the points of another space correspond to points of this one.

    Parameters
    ----------
    there : Space
        The space of the other search.
    here : Space
        The space of this search.

    Attributes
    ----------
    known : frozenset of str
        Labels here whose values can be taken from a point there.
    covers : bool
        Whether this is every label.
    """

    def __init__(self, there: Space, here: Space) -> None:
        self._here = here
        self._conversions: dict[str, Conversion] = {}
        for label, node in here.nodes.items():
            other = there.nodes.get(label)
            conversion = None if other is None else _conversion(other, node)
            if conversion is not None:
                self._conversions[label] = conversion
        self.known = frozenset(self._conversions)
        self.covers = len(self.known) == len(here.nodes)

    def point(self, values: Values) -> dict[str, float | int] | None:
        """Return the values here of a point there.

        Parameters
        ----------
        values : Values
            A point of the other space.

        Returns
        -------
        dict of str to number, or None
            Values of known labels, with which ``complete`` makes a point; None if there is no counterpart.
        """
        found: dict[str, float | int] = {}
        for parameter in self._here.parameters:
            label = parameter.label
            is_active = self._is_active(parameter, found)
            if is_active is False or label not in self.known:
                continue
            if label not in values:
                if is_active:
                    return None  # not active there, but needed here
                continue
            there = values[label]  # a stored document may have been altered
            value = self._conversions[label](there) if math.isfinite(there) else None
            if value is None:
                return None
            found[label] = value
        return found or None

    def _is_active(self, parameter: Parameter, found: Values) -> bool | None:
        """Whether a parameter is active under the values found; None if an unknown choice decides."""
        if parameter.is_active(found):
            return True
        may_be = any(
            all(c.label not in self.known or found.get(c.label) == c.option for c in path)
            for path in parameter.paths
        )
        return None if may_be else False


def complete(space: Space, known: Values, rng: np.random.Generator) -> dict[str, float | int]:
    """Return a point with the known values where they are active, and other values drawn from the prior.

    A choice without a known value takes the option that most known values belong to, if there is one. If the
    point violates conditions of the space, the parameters of these are drawn until it does not.

    Parameters
    ----------
    space : Space
        The space of the point.
    known : Values
        Valid values of some labels.
    rng : Generator
        Source of the draws.
    """
    values: dict[str, float | int] = {}
    for parameter in space.parameters:
        if not parameter.is_active(values):
            continue
        label = parameter.label
        value = known.get(label, _option_of(space, parameter, known))
        values[label] = parameter.distribution.sample(rng) if value is None else value
    return space.repaired(values, rng) if space.conditions else values


def _option_of(space: Space, choice: Parameter, known: Iterable[str]) -> int | None:
    """Return the option of a choice that most known labels depend on; None if there is no such option."""
    if not isinstance(choice.distribution, Categorical):
        return None
    votes = dict.fromkeys(
        filter(choice.distribution.contains, range(len(choice.distribution.probabilities))), 0
    )
    wanted = set(known)
    for parameter in space.parameters:
        if parameter.label in wanted:
            options = {c.option for path in parameter.paths for c in path if c.label == choice.label}
            for option in options & votes.keys():
                votes[option] += 1
    most = max(votes.values(), default=0)
    winners = [option for option, n in votes.items() if n == most]
    return winners[0] if most and len(winners) == 1 else None


def _conversion(there: Number | Choice, here: Number | Choice) -> Conversion | None:
    """Return the conversion of a parameter's values; None if no value has a counterpart."""
    match there, here:
        case Choice(), Choice():
            return _of_options(match_options(there.options, here.options), here)
        case Number(), Number():
            return _of_numbers(there, here)
        case Choice(), Number():
            return _from_options(_numbers_of(there), here)
        case Number(), Choice():
            return _to_options(_numbers_of(here), here)
    return None


def _of_options(indexes: Mapping[int, int], here: Choice) -> Conversion | None:
    possible = {there: i for there, i in indexes.items() if here.distribution.contains(i)}
    return (lambda value: possible.get(int(value))) if possible else None


def _of_numbers(there: Number, here: Number) -> Conversion | None:
    low, high = _support(there)
    least, greatest = _support(here)
    nearest = _nearest(here)
    if nearest(min(max(least, low), high)) is None and nearest(min(max(greatest, low), high)) is None:
        return None  # the ranges do not overlap
    return nearest


def _from_options(numbers: Mapping[int, float], here: Number) -> Conversion | None:
    nearest = _nearest(here)
    found = {i: nearest(number) for i, number in numbers.items()}
    if all(value is None for value in found.values()):
        return None
    return lambda value: found.get(int(value))


def _to_options(numbers: Mapping[int, float], here: Choice) -> Conversion | None:
    possible = {number: i for i, number in numbers.items() if here.distribution.contains(i)}
    if not possible:
        return None

    def option(value: float) -> int | None:
        return next((i for number, i in possible.items() if math.isclose(number, value)), None)

    return option


def _numbers_of(choice: Choice) -> dict[int, float]:
    """Return the options of a choice that are plain numbers, by index."""
    return {
        i: float(option.value)
        for i, option in enumerate(choice.options)
        if isinstance(option, Literal)
        and isinstance(option.value, Real)
        and not isinstance(option.value, bool)
    }


def _support(node: Number) -> tuple[float, float]:
    match node.distribution:
        case Integer(low=low, high=end):
            return low, end - 1
        case Numeric() as numeric:
            return numeric.support()


def _nearest(here: Number) -> Conversion:
    """Return a function that moves a value into the range and onto the grid; None if it is too far out."""
    distribution, place = here.distribution, axis(here.distribution)
    least, greatest = _support(here)

    def latent(value: float) -> float:
        if not place.is_log:
            return value
        return math.log(value) if value > 0 else -math.inf

    def nearest(value: float) -> float | int | None:
        inside = min(max(float(value), least), greatest)
        if inside != value and not abs(latent(value) - latent(inside)) <= _SLACK * place.scale:
            return None
        return round(inside) if isinstance(distribution, Integer) else distribution.nearest(inside)

    return nearest
