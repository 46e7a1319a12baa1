"""Small pieces of HTML for notebooks: everything is escaped, and colours are the reader's own."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

#: Characters of a cell; a longer text is cut.
_MAX_TEXT = 200


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


class Html:
    """Output of a notebook's cell, with a plain text for other places.

    Parameters
    ----------
    markup : Markup
        The HTML.
    text : str
        The plain text.
    """

    def __init__(self, markup: Markup, text: str) -> None:
        self._markup, self._text = markup, text

    def _repr_html_(self) -> str:
        return self._markup

    def __repr__(self) -> str:
        return self._text


def element(tag: str, *contents: object, **attributes: object) -> Markup:
    """Return an element with escaped contents and attributes.

    Parameters
    ----------
    tag : str
        Its name.
    *contents : object
        Markup, and values that are shown as text.
    **attributes : object
        Attributes.
    """
    given = "".join(f' {name}="{html.escape(str(value))}"' for name, value in attributes.items())
    return Markup(f"<{tag}{given}>{joined(contents)}</{tag}>")


def joined(contents: Iterable[object]) -> Markup:
    """Return contents one after the other, escaped unless they are markup."""
    return Markup("".join(c if isinstance(c, Markup) else html.escape(shown_text(c)) for c in contents))


def table(header: Sequence[object], rows: Iterable[Sequence[object]]) -> Markup:
    """Return a table; numbers are aligned to the right.

    Parameters
    ----------
    header : sequence of object
        Titles of the columns; empty for none.
    rows : iterable of sequence of object
        The cells.
    """
    cells = [list(row) for row in rows]
    styles = (_style([row[column] for row in cells]) for column in range(len(header)))
    titles = [element("th", title, style=style) for title, style in zip(header, styles, strict=True)]
    lines = [element("tr", *(element("td", value, style=_style([value])) for value in row)) for row in cells]
    return table_of([element("tr", *titles), *lines] if titles else lines)


def table_of(lines: Iterable[Markup]) -> Markup:
    """Return a table in the colours of what is around it.

    In a page without a doctype, as some notebooks make for outputs, a table does not inherit by default.
    """
    return element("table", *lines, style="color: inherit; font-size: inherit")


def shown_text(value: Any) -> str:
    """Return a value as text: four digits of a float, and at most 200 characters."""
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value)
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"


def _style(column: Sequence[object]) -> str:
    """Return the style of cells: on the right if they are numbers, and never closer than a space."""
    are_numbers = bool(column) and all(_is_number(value) or value == "" for value in column)
    return f"padding: 0.3em 0.6em; text-align: {'right' if are_numbers else 'left'}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
