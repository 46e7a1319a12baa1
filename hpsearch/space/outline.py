"""The outline of a space: its parameters and options, one a line, as a tree."""

from __future__ import annotations

from collections.abc import Iterator

from hpsearch.runtime.escaping import escaped
from hpsearch.space.distribution import bounds_text
from hpsearch.space.expression import Choice, Node
from hpsearch.space.format import short_text
from hpsearch.space.option_names import option_names
from hpsearch.space.parameters import contents

#: A line: indentation; name of a parameter or text of an option; distribution and range of a parameter.
Row = tuple[int, str, tuple[str, ...]]


def outline(node: Node) -> list[Row]:
    """Return a line for each parameter and option below a node.

    A parameter that occurs in several places is described only at the first.
    """
    return list(_rows(node, 0, set()))


def _rows(node: Node, indent: int, seen: set[str]) -> Iterator[Row]:
    """Yield the lines of the parameters below a node; ``seen`` collects their labels."""
    for child in contents(node):
        name = escaped(child.label)
        if child.label in seen:
            yield indent, name, ("(as above)",)
            continue
        seen.add(child.label)
        yield indent, name, (child.distribution.name, bounds_text(child.distribution))
        if isinstance(child, Choice):
            yield from _option_rows(child, indent + 1, seen)


def _option_rows(choice: Choice, indent: int, seen: set[str]) -> Iterator[Row]:
    """Yield the lines of the options of a choice."""
    names = option_names(choice.options)
    is_weighted = choice.distribution.name == "pchoice"
    for index, option in enumerate(choice.options):
        weight = f"  ({choice.distribution.probabilities[index]:.3g})" if is_weighted else ""
        text = short_text(option)
        is_named = names[index] not in {text, text.strip("'")}
        yield indent, f"{escaped(names[index])}: {text}{weight}" if is_named else f"{text}{weight}", ()
        yield from _rows(option, indent + 1, seen)
