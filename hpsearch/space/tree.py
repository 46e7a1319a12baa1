"""A search space: an expression, and the flat list of its parameters.

The expression computes configurations. The list has the distribution of each parameter and the options of
choices under which it is active; suggesters need only the list.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np

from hpsearch.errors import SpaceError
from hpsearch.runtime.escaping import named, shown
from hpsearch.space import serialization
from hpsearch.space.allowed_points import MAX_DRAWS, Group, draw_allowed, groups_of
from hpsearch.space.display_order import display_order
from hpsearch.space.distribution import MAX_INTEGER, Categorical, Distribution, Numeric, bounds_text
from hpsearch.space.evaluation import evaluate
from hpsearch.space.expression import Choice, Literal, Node, Number, as_node, plain
from hpsearch.space.inverse import invert
from hpsearch.space.literal import is_scalar
from hpsearch.space.option_names import option_names
from hpsearch.space.parameters import Condition, Parameter, count_points, flatten, labelled_nodes
from hpsearch.space.point_conditions import PointConditions, take_off
from hpsearch.space.trust import AS_TEXT, TRUSTED, Trust

__all__ = ["Condition", "Parameter", "Space", "Values"]

#: Raw values of the active parameters by label. A choice is the index of its option; quantized parameters,
#: including those of uniformint, are floats.
Values = Mapping[str, float | int]


class Space:
    """A search space.

    Parameters
    ----------
    expression : any
        Dicts, lists, tuples, ``hp`` objects, operations on them and plain values, nested in any way; or the
        result of ``where``. It is copied; lists become tuples.

    Attributes
    ----------
    expression : Node
        The structure as a node, without conditions.
    conditions : PointConditions
        What the points must satisfy; empty for most spaces.
    parameters : tuple of Parameter
        Each after all choices above it. The order is the same in every process and for every order of dicts,
        so it may index the columns of an array.

    Raises
    ------
    SpaceError
        If two different parameters have the same label, the structure is too deep, or a condition refers to a
        parameter that does not exist.

    Examples
    --------
    >>> from hpsearch import hp
    >>> space = Space({"lr": hp.loguniform("lr", -7, 0), "layers": [hp.randint("n", 1, 4)]})
    >>> space.config({"lr": 0.1, "n": 2})
    {'layers': (2,), 'lr': 0.1}
    """

    expression: Node
    conditions: PointConditions
    parameters: tuple[Parameter, ...]

    def __init__(self, expression: Any) -> None:
        self._root = plain(as_node(expression))
        self.expression, conditions = take_off(self._root)
        self.parameters = flatten(self.expression)
        self._nodes: dict[str, Number | Choice] = labelled_nodes(self.expression)
        self._option_names: dict[str, tuple[str, ...]] = {}
        self.conditions = PointConditions(conditions, self._nodes)

    def _repr_html_(self) -> str:
        from hpsearch.space.html import space_html

        return space_html(self)

    @property
    def nodes(self) -> Mapping[str, Number | Choice]:
        """The node of each parameter by label, in the parameters' order."""
        return self._nodes

    def sample(self, rng: np.random.Generator) -> dict[str, float | int]:
        """Draw the active parameters from their distributions, given the conditions.

        Raises
        ------
        SpaceError
            If no point of many satisfies the conditions.
        """
        if self.conditions:
            return draw_allowed(self.parameters, self._groups, self.conditions, rng)
        values: dict[str, float | int] = {}
        for parameter in self.parameters:
            if parameter.is_active(values):
                values[parameter.label] = parameter.distribution.sample(rng)
        return values

    def repaired(self, values: Values, rng: np.random.Generator) -> dict[str, float | int]:
        """Return a point that satisfies the conditions, as close to a given one as independent groups allow.

        Parameters
        ----------
        values : Values
            A point that may violate conditions.
        rng : Generator
            Source of randomness.

        Raises
        ------
        SpaceError
            If no point of many satisfies the conditions.
        """
        return draw_allowed(self.parameters, self._groups, self.conditions, rng, kept=values)

    def is_satisfiable(self, rng: np.random.Generator, max_draws: int = MAX_DRAWS) -> bool:
        """Whether a random point of some number satisfies the conditions.

        Parameters
        ----------
        rng : Generator
            Source of randomness.
        max_draws : int
            Number of draws.
        """
        try:
            draw_allowed(self.parameters, self._groups, self.conditions, rng, max_draws=max_draws)
        except SpaceError:
            return False
        return True

    def active(self, values: Values) -> tuple[str, ...]:
        """Return the labels that are active for these values of the choices, in the parameters' order."""
        return tuple(parameter.label for parameter in self.parameters if parameter.is_active(values))

    def validate(self, values: Values) -> None:
        """Check that these are values of exactly the active parameters, within their ranges.

        Raises
        ------
        SpaceError
            If a label is unknown, missing, not active, or out of range, or a condition is violated; names the
            first.
        """
        for label in values:
            if label not in self._nodes:
                known = ", ".join(map(repr, self._nodes)) or "none at all"
                raise SpaceError(f"The space has no parameter {named(label)}; it has {known}.")
        for parameter in self.parameters:
            is_given, is_active = parameter.label in values, parameter.is_active(values)
            if is_active and not is_given:
                raise SpaceError(f"A value for the parameter {named(parameter.label)} is missing.")
            if is_given and not is_active:
                raise SpaceError(
                    f"The parameter {named(parameter.label)} is not active under the chosen options."
                )
            if is_given:
                _check_value(parameter, values[parameter.label])
        self.conditions.require(values)

    def config(self, values: Values) -> Any:
        """Return the configuration that the objective receives for these values.

        Raises
        ------
        SpaceError
            If ``validate`` raises it, or an operation of the space fails for the values.
        """
        self.validate(values)
        return evaluate(self.expression, values)

    def values(self, config: Any) -> dict[str, float | int]:
        """Return values that give this configuration: the inverse of ``config``.

        If several options of a choice fit, the first is returned. Numbers that went through arithmetic may
        differ from the original by rounding errors.

        Raises
        ------
        SpaceError
            If no values fit, or an operation cannot be inverted; names the place.
        """
        found = invert(self.expression, config)
        return {
            parameter.label: found[parameter.label]
            for parameter in self.parameters
            if parameter.label in found
        }

    def params(self, values: Values) -> dict[str, Any]:
        """Return values in readable form, in the order of ``labels``.

        A choice is its option if that is a string, a number, a bool or None, else the name of the option,
        such as ``"svm"`` of ``{"kind": "svm", ...}``. A value on a grid of integers is an int.
        """
        return {label: self._readable(label, values[label]) for label in self.labels if label in values}

    @functools.cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels of all parameters in the order in which people read them."""
        return display_order(self.expression)

    def option_names(self, label: str) -> tuple[str, ...]:
        """Return the names of the options of a choice, in the order of its options."""
        if label not in self._option_names:
            node = self._nodes[label]
            assert isinstance(node, Choice)
            self._option_names[label] = option_names(node.options)
        return self._option_names[label]

    def _readable(self, label: str, value: float) -> Any:
        node = self._nodes[label]
        if isinstance(node, Number):
            return _readable_number(node, value)
        option = node.options[int(value)]
        if isinstance(option, Literal) and is_scalar(option.value):
            return option.value
        return self.option_names(label)[int(value)]

    def to_json(self) -> dict[str, Any]:
        """Return the space as a document for JSON or BSON, the same in every process.

        Raises
        ------
        SpaceError
            If another process could not decode a value; names its place.
        """
        return serialization.encode(self._root, list(self._nodes.values()))

    @classmethod
    def from_json(cls, document: Mapping[str, Any], trust: Trust = AS_TEXT) -> Space:
        """Return the space of a document.

        Parameters
        ----------
        document : mapping
            The result of ``to_json``, perhaps modified since.
        trust : Trust
            What the document may import and call. By default nothing: configurations then contain texts in
            place of functions, classes and values computed from them.

        Raises
        ------
        SpaceError
            If the document is damaged, or a function or class cannot be imported.
        """
        return cls(serialization.decode(document, trust))

    def trusted(self) -> Space:
        """Return this space with all functions and classes that it names imported.

        Raises
        ------
        SpaceError
            If one cannot be imported, or its name leads to a different object.
        """
        return Space.from_json(self.to_json(), TRUSTED)

    def given(self, options: Mapping[str, int]) -> Space:
        """Return this space with some choices decided: the other options have the probability 0.

        Parameters
        ----------
        options : mapping
            Index of the option that is certain, by the label of the choice.
        """
        decided = copy.copy(self)
        for cached in ("n_points", "_groups"):
            decided.__dict__.pop(cached, None)
        decided.parameters = tuple(
            replace(parameter, distribution=_certain(parameter.distribution, options[parameter.label]))
            if parameter.label in options
            else parameter
            for parameter in self.parameters
        )
        return decided

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash that is equal for equal spaces, regardless of the order of dicts."""
        return serialization.fingerprint_of(self.to_json())

    @functools.cached_property
    def n_points(self) -> int | None:
        """The number of distinct points, including those that conditions forbid; None if infinite."""
        return count_points(self.parameters)

    @functools.cached_property
    def _groups(self) -> tuple[Group, ...]:
        return groups_of(self.parameters, self.conditions)


def _certain(choice: Distribution, option: int) -> Categorical:
    assert isinstance(choice, Categorical)
    probabilities = [0.0] * len(choice.probabilities)
    probabilities[option] = 1.0
    return replace(choice, probabilities=tuple(probabilities))


def _check_value(parameter: Parameter, value: Any) -> None:
    label, distribution = parameter.label, parameter.distribution
    is_number = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    if is_number and distribution.contains(value):
        return
    if isinstance(distribution, Categorical):
        wanted = f"the index of an option, 0 to {len(distribution.probabilities) - 1}"
    else:
        wanted = f"a value of {distribution.name}: {bounds_text(distribution)}"
    raise SpaceError(f"The value {shown(value)} of the parameter {named(label)} is not {wanted}.")


def _readable_number(node: Number, value: float) -> Any:
    number = evaluate(node, {node.label: value})
    match node.distribution:
        case Numeric(q=float(q)) if q.is_integer() and isinstance(number, float):
            is_exact = number.is_integer() and abs(number) <= MAX_INTEGER
            return int(number) if is_exact else number
    return number
