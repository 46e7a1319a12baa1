"""A space as HTML, for notebooks."""

from __future__ import annotations

from hpsearch.runtime.html import Markup, element, joined, table_of
from hpsearch.space.format import short_text
from hpsearch.space.outline import Row, outline
from hpsearch.space.tree import Space

#: Lines that are shown; a space may have thousands.
_MAX_LINES = 60


def space_html(space: Space) -> Markup:
    """Return the tree of parameters with distributions and ranges, and the size of the space."""
    rows = outline(space.expression)
    lines = [element("tr", *_cells(row)) for row in rows[:_MAX_LINES]]
    if not rows:
        lines = [element("tr", element("td", short_text(space.expression)))]
    n, points = len(space.parameters), "infinitely many" if space.n_points is None else space.n_points
    notes = [f"{n} parameter{'' if n == 1 else 's'}, {points} points", *space.conditions.texts]
    if len(rows) > _MAX_LINES:
        notes.insert(0, f"and {len(rows) - _MAX_LINES} more lines")
    return joined([table_of(lines), *(element("div", note) for note in notes)])


def _cells(row: Row) -> list[Markup]:
    indent, name, columns = row
    style = f"text-align: left; padding: 0.3em 0.6em 0.3em {0.6 + 1.5 * indent}em"
    if not columns:
        return [element("td", element("i", name), style=style, colspan=3)]
    return [
        element("td", element("b", name), style=style),
        *(element("td", column, style="text-align: left; padding: 0.3em 0.6em") for column in columns),
    ]
