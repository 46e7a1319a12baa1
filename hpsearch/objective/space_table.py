"""Search spaces in TOML and JSON, for programs that are not written in Python.

A table with ``dist`` is a parameter, one with ``choice`` a choice; its name is the label, unless it has a
``label``. Any other table is a part of the configuration, and everything else a constant. Bounds are the real
values: ``loguniform`` from 1e-5 to 1e-1, where ``hp.loguniform`` takes their logarithms. Options may share a
parameter: equal tables with one label are one.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hpsearch import hp
from hpsearch.errors import LoadError, SpaceError
from hpsearch.runtime.escaping import reason
from hpsearch.runtime.spelling import did_you_mean
from hpsearch.space.expression import Node, operation
from hpsearch.space.point_conditions import where

#: The suffixes of files with a space, and what reads their text.
SUFFIXES: Mapping[str, Callable[[str], Any]] = {".toml": tomllib.loads, ".json": json.loads}


def read_space(path: str) -> Any:
    """Return the search space of a file.

    Raises
    ------
    LoadError
        If the file cannot be read, or is neither TOML nor JSON.
    SpaceError
        If it is no search space; names the table.
    """
    file = Path(path)
    try:
        document = SUFFIXES[file.suffix](file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LoadError(f"The space {path} cannot be read: {reason(error)}.") from error
    return space_of(document)


def space_of(document: Any) -> Any:
    """Return the search space of a document: its table ``space``, under its conditions ``where``.

    Raises
    ------
    SpaceError
        If it is no search space; names the table.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("space"), Mapping):
        raise SpaceError("The file has no table 'space' with the parameters.")
    unknown = sorted(document.keys() - {"space", "where"})
    if unknown:
        raise SpaceError(f"The file has a table {unknown[0]!r}; it may have 'space' and 'where'.")
    conditions = document.get("where", [])
    if isinstance(conditions, str):
        conditions = [conditions]
    space = _Reader().part(document["space"], "space", None)
    return where(space, *conditions) if conditions else space


class _Reader:
    """Reads the tables of one document."""

    def __init__(self) -> None:
        self._made: dict[
            str, tuple[Mapping[str, Any], Node]
        ] = {}  #: the last table of each label, and its node

    def part(self, value: Any, place: str, name: str | None) -> Any:
        """Return a part of the space.

        Parameters
        ----------
        value : any
            The part of the document.
        place : str
            Where it is, for messages.
        name : str or None
            The name under which it stands in its table.
        """
        if isinstance(value, Mapping):
            if _is_parameter(value):
                return self._parameter(value, place, name)
            return {key: self.part(one, f"{place}.{key}", key) for key, one in value.items()}
        if isinstance(value, list):
            return [self.part(one, f"{place}[{index}]", None) for index, one in enumerate(value)]
        return value

    def _parameter(self, table: Mapping[str, Any], place: str, name: str | None) -> Node:
        arguments = dict(table)
        label = arguments.pop("label", name)
        if not isinstance(label, str):
            raise SpaceError(f"{place} has no name: add a label.")
        known, node = self._made.get(label, (None, None))
        if node is None or known != table:
            make = self._choice if "choice" in arguments else _number
            node = make(arguments, place, label)
            self._made[label] = table, node
        return node

    def _choice(self, arguments: dict[str, Any], place: str, label: str) -> Node:
        options, probabilities = arguments.pop("choice"), arguments.pop("p", None)
        _check_names(arguments, (), place)
        if not isinstance(options, list) or not options:
            raise SpaceError(f"{place}: choice must be a list of options.")
        parts = [self.part(option, f"{place}.choice[{index}]", None) for index, option in enumerate(options)]
        if probabilities is None:
            return _made(lambda: hp.choice(label, parts), place)
        if not isinstance(probabilities, list) or len(probabilities) != len(parts):
            raise SpaceError(
                f"{place}: p must be a list with a probability for each of the {len(parts)} options."
            )
        return _made(lambda: hp.pchoice(label, list(zip(probabilities, parts, strict=True))), place)


def _is_parameter(table: Mapping[str, Any]) -> bool:
    """Whether a table is a parameter, not one with a parameter of that name."""
    return any(key in table and not isinstance(table[key], Mapping) for key in ("dist", "choice"))


def _number(arguments: dict[str, Any], place: str, label: str) -> Node:
    dist, is_int = arguments.pop("dist"), arguments.pop("int", False)
    if dist not in _DISTRIBUTIONS:
        known = ", ".join(_DISTRIBUTIONS)
        raise SpaceError(
            f"{place}: there is no distribution {dist!r}{did_you_mean(str(dist), list(_DISTRIBUTIONS))}; "
            f"there are {known}."
        )
    names = _DISTRIBUTIONS[dist]
    _check_names(arguments, names, place)
    for argument, number in arguments.items():
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise SpaceError(f"{place}: {argument} is {number!r}, not a number.")
    if not isinstance(is_int, bool):
        raise SpaceError(f"{place}: int is {is_int!r}, not true or false.")
    if dist.endswith("loguniform"):
        arguments = {
            **arguments,
            **{bound: _log(arguments[bound], bound, place) for bound in ("low", "high")},
        }
    node = _made(lambda: getattr(hp, dist)(label, *(arguments[argument] for argument in names)), place)
    return operation("int", node) if is_int else node


def _check_names(arguments: Mapping[str, Any], names: Sequence[str], place: str) -> None:
    """Check that exactly these arguments are given."""
    for name in arguments:
        if name not in names:
            raise SpaceError(f"{place} has no argument {name!r}{did_you_mean(name, names)}.")
    for name in names:
        if name not in arguments:
            raise SpaceError(f"{place} lacks {name}.")


def _log(bound: float, name: str, place: str) -> float:
    if bound <= 0:
        raise SpaceError(f"{place}: {name} must be above 0 for a logarithm, not {bound}.")
    return math.log(bound)


def _made(make: Callable[[], Node], place: str) -> Node:
    """Return a parameter; an error names its place, too."""
    try:
        return make()
    except SpaceError as error:
        raise type(error)(f"{place}: {error}") from error


#: The arguments of each distribution, by its name in ``hp``.
_DISTRIBUTIONS: Mapping[str, tuple[str, ...]] = {
    "uniform": ("low", "high"),
    "loguniform": ("low", "high"),
    "quniform": ("low", "high", "q"),
    "qloguniform": ("low", "high", "q"),
    "uniformint": ("low", "high"),
    "randint": ("low", "high"),
    "normal": ("mu", "sigma"),
    "lognormal": ("mu", "sigma"),
    "qnormal": ("mu", "sigma", "q"),
    "qlognormal": ("mu", "sigma", "q"),
}
