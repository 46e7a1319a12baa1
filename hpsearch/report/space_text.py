"""A search space as text: the tree of its parameters, and samples of it."""

from __future__ import annotations

from collections.abc import Sequence

from hpsearch.report.text import count_text, params_text
from hpsearch.runtime.escaping import escaped
from hpsearch.space.format import short_text
from hpsearch.space.outline import outline
from hpsearch.space.tree import Space, Values


def describe_space(space: Space, samples: Sequence[Values] = ()) -> str:
    """Return the tree of a space, its size, and a line for each sample.

    Parameters
    ----------
    space : Space
        The space.
    samples : sequence of Values
        Points of the space.

    Examples
    --------
    >>> from hpsearch import hp
    >>> space = Space([hp.choice("model", ["tree", {"svm": hp.loguniform("C", -7, 7)}])])
    >>> print(describe_space(space, [{"model": 1, "C": 2.5}]))
    model  choice      2 options
      'tree'
      svm: {svm: C}
        C  loguniform  0.000911882 .. 1096.63
    <BLANKLINE>
    2 parameters, infinitely many points
    <BLANKLINE>
    1 sample
      1  model=svm, C=2.5
    """
    blocks = [space_tree(space), _size(space)]
    if samples:
        width = len(str(len(samples)))
        lines = (f"  {i:>{width}}  {_sample(space, values)}" for i, values in enumerate(samples, 1))
        blocks.append("\n".join([count_text(len(samples), "sample"), *lines]))
    return "\n\n".join(blocks)


def space_tree(space: Space) -> str:
    """Return a line for each parameter and option, with distributions and ranges.

    A parameter that occurs in several places is described only at the first.
    """
    rows = outline(space.expression)
    if not rows:
        return short_text(space.expression)
    name_width = max(2 * indent + len(name) for indent, name, columns in rows if columns)
    kind_width = max(len(columns[0]) for _, _, columns in rows if columns)
    lines = []
    for indent, name, columns in rows:
        left = "  " * indent + name
        if columns:
            kind, *rest = columns
            left = "  ".join([left.ljust(name_width), kind.ljust(kind_width), *rest])
        lines.append(left.rstrip())
    return "\n".join(lines)


def _size(space: Space) -> str:
    """Return the number of parameters and points, and the conditions."""
    points = "infinitely many points" if space.n_points is None else count_text(space.n_points, "point")
    if not space.conditions:
        return f"{count_text(len(space.parameters), 'parameter')}, {points}"
    n = len(space.conditions.texts)
    lines = "\n".join(f"  {escaped(text)}" for text in space.conditions.texts)
    few = points if space.n_points is None else f"at most {points}"
    return f"{count_text(len(space.parameters), 'parameter')}, {few}, {count_text(n, 'condition')}\n{lines}"


def _sample(space: Space, values: Values) -> str:
    """Return the parameters of a point on one line."""
    return params_text(space.params(values))
