"""The flat list of an expression's parameters, and the conditions under which each is active.

A parameter is active when the choices above it have the options that lead to it. A parameter in several
places has several such paths, and is active when all conditions of any path hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hpsearch.errors import DuplicateLabelError, SpaceError
from hpsearch.runtime.escaping import named
from hpsearch.space.distribution import Distribution
from hpsearch.space.expression import MAX_DEPTH, Choice, Node, Number, children

#: Most paths of one parameter, through choices that share nodes.
MAX_PATHS = 1000

Labelled = Number | Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The condition that a choice has a certain option."""

    label: str  #: of the choice
    option: int  #: index of the option


Path = tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter and the conditions under which it is active."""

    label: str
    distribution: Distribution
    #: Active if all conditions of any path hold, outermost first; ``((),)`` means always.
    paths: tuple[Path, ...]

    def is_active(self, values: Mapping[str, float]) -> bool:
        """Whether the parameter is active under the values of the choices."""
        for path in self.paths:
            for condition in path:
                if values.get(condition.label) != condition.option:
                    break
            else:
                return True
        return False


def labelled_nodes(root: Node) -> dict[str, Labelled]:
    """Return the parameters of an expression by label, each after all choices above it.

    The order depends on the expression alone: depth first within that constraint.

    Raises
    ------
    SpaceError
        If two nodes have the same label, or nodes are nested deeper than ``MAX_DEPTH``.
    """
    _check_depth(root)
    found: dict[str, Labelled] = {}

    # The reverse of a depth-first post-order is a topological order; visiting the children in reverse
    # puts the first of them first.
    def visit(node: Node) -> None:
        for child in reversed(contents(node)):
            if child.label not in seen:
                seen[child.label] = child
                for option in reversed(children(child)):
                    visit(option)
                found[child.label] = child
            elif seen[child.label] is not child:
                raise DuplicateLabelError(
                    f"Two different parameters have the label {named(child.label)}; rename one, "
                    f"or use the same hp object in both places."
                )

    seen: dict[str, Labelled] = {}
    visit(root)
    return dict(reversed(found.items()))


def contents(node: Node) -> list[Labelled]:
    """Return the parameters that are active whenever a node is: itself, or in its items and operands."""
    found: dict[int, Labelled] = {}
    seen: set[int] = set()
    stack = [node]
    while stack:
        here = stack.pop()
        if isinstance(here, Number | Choice):
            found[id(here)] = here
        elif id(here) not in seen:
            seen.add(id(here))
            stack.extend(reversed(children(here)))
    return list(found.values())


def flatten(root: Node) -> tuple[Parameter, ...]:
    """Return the parameters of an expression, each after all choices above it.

    Raises
    ------
    SpaceError
        As ``labelled_nodes``, and if a parameter has more than ``MAX_PATHS`` paths.
    """
    nodes = labelled_nodes(root)
    paths: dict[str, dict[Path, None]] = {label: {} for label in nodes}
    for child in contents(root):
        paths[child.label][()] = None
    parameters = []
    for label, node in nodes.items():
        kept = without_supersets(tuple(paths[label]))
        if len(kept) > MAX_PATHS:
            raise SpaceError(f"The parameter {named(label)} can be reached in more than {MAX_PATHS} ways.")
        parameters.append(Parameter(label=label, distribution=node.distribution, paths=kept))
        for option, below in enumerate(children(node)):
            for child in contents(below):
                step = Condition(label=label, option=option)
                paths[child.label].update(dict.fromkeys((*path, step) for path in kept))
    return tuple(parameters)


def without_supersets(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return the paths without those whose conditions include all conditions of another path."""
    kept: list[Path] = []
    for path in sorted(paths, key=len):
        conditions = set(path)
        if not any(conditions.issuperset(shorter) for shorter in kept):
            kept.append(path)
    return tuple(kept)


def count_points(parameters: Sequence[Parameter]) -> int | None:
    """Count the distinct points of a space; None if they are infinite.

    The counts of independent groups of parameters multiply. Within a group, the counts under each option of
    its outermost choice add up.
    """
    total = 1
    for group in _groups(parameters):
        first, rest = group[0], group[1:]
        n = _count_under(first, rest) if rest else first.distribution.n_values
        if n is None:
            return None
        total *= n
    return total


def _count_under(choice: Parameter, below: Sequence[Parameter]) -> int | None:
    """Count the points of a choice and the parameters that depend on it."""
    total = 0
    for option in range(len(choice.distribution.probabilities)):  # type: ignore[union-attr]
        if not choice.distribution.contains(option):
            continue
        n = count_points([p for p in (_given(p, choice.label, option) for p in below) if p.paths])
        if n is None:
            return None
        total += n
    return total


def _given(parameter: Parameter, label: str, option: int) -> Parameter:
    """Return a parameter given the option of a choice: without the conditions that hold then."""
    decided = Condition(label=label, option=option)
    open_paths = [
        tuple(c for c in path if c != decided)
        for path in parameter.paths
        if all(c.label != label or c == decided for c in path)
    ]
    paths = without_supersets(list(dict.fromkeys(open_paths)))
    return Parameter(label=parameter.label, distribution=parameter.distribution, paths=paths)


def _groups(parameters: Sequence[Parameter]) -> list[list[Parameter]]:
    """Split parameters into groups without conditions between them, each in the given order."""
    groups: list[tuple[set[str], list[Parameter]]] = []
    for parameter in parameters:
        names = {parameter.label, *(c.label for path in parameter.paths for c in path)}
        joined = [group for group in groups if group[0] & names]
        groups = [group for group in groups if not group[0] & names]
        members = [p for _, group in joined for p in group]
        groups.append((names.union(*(labels for labels, _ in joined)), [*members, parameter]))
    return [members for _, members in groups]


def _check_depth(root: Node) -> None:
    heights: dict[int, int] = {}

    def height(node: Node, depth: int) -> int:
        if id(node) not in heights:
            # The depth bounds the recursion; the height also counts nodes that were visited from elsewhere.
            if depth <= MAX_DEPTH:
                heights[id(node)] = 1 + max((height(c, depth + 1) for c in children(node)), default=0)
            if depth > MAX_DEPTH or heights[id(node)] > MAX_DEPTH:
                raise SpaceError(f"The space is nested deeper than {MAX_DEPTH} levels.")
        return heights[id(node)]

    height(root, 0)
