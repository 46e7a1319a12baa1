"""Elements of a page, with all texts escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from hpsearch.runtime.escaping import printable


def text(value: object) -> str:
    """Return any value as escaped text, without control characters."""
    return html.escape(printable(str(value)))


def paragraph(sentences: str, kind: str = "") -> str:
    """Return a paragraph.

    Parameters
    ----------
    sentences : str
        Its text.
    kind : str
        Its class.
    """
    return f'<p class="{text(kind)}">{text(sentences)}</p>' if kind else f"<p>{text(sentences)}</p>"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table that scrolls where it is wider than the page.

    Parameters
    ----------
    header : sequence of str
        Names of the columns.
    rows : iterable of sequences
        The cells; None is an empty cell.
    """
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{'' if cell is None else text(cell)}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def facts(pairs: Iterable[tuple[str, object]]) -> str:
    """Return names with their values."""
    return "<dl>" + "".join(f"<dt>{text(k)}</dt><dd>{text(v)}</dd>" for k, v in pairs) + "</dl>"


def script_json(document: str) -> str:
    """Return JSON such that it cannot end the script element that contains it."""
    return document.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
