"""Rows as a table for people, or as JSON or CSV for programs."""

from __future__ import annotations

import csv
import io
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from hpsearch.report.formats import Format
from hpsearch.report.text import params_text, value_text
from hpsearch.runtime.escaping import escaped
from hpsearch.runtime.strict_json import json_text

Row = Mapping[str, Any]

#: Characters of a column in a table; JSON and CSV are never shortened.
_MAX_WIDTH = 72

#: Columns with names, which a person types or looks for; at most and at least so many characters are shown.
_NAMES = frozenset({"exp_key", "name", "host", "worker"})
_MAX_NAME_WIDTH, _MIN_NAME_WIDTH = 300, 12

_GAP = "  "

#: Titles of columns in a table that differ from the names of the fields.
_TITLES = {"tid": "trial"}

#: The last column of a table may have this many characters at least before its lines are continued.
_MIN_WRAPPED = 24

#: Floats above this size may have more digits than they are exact to.
_MAX_INTEGER = 2**53

#: What a spreadsheet reads as a formula, wide characters included, and what it reads as a number.
_FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")  # noqa: RUF001 - wide characters on purpose
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")


def render(
    kind: str,
    rows: Sequence[Row],
    columns: Sequence[str],
    form: Format,
    *,
    width: int | None = None,
    is_cut: bool = True,
) -> str:
    """Return rows as text.

    Parameters
    ----------
    kind : str
        What the rows are, such as "trials"; names the schema in JSON.
    rows : sequence of mapping
        Values by column; JSON prints all of them.
    columns : sequence of str
        The columns of a table and of CSV, in order.
    form : Format
        The output format.
    width : int, optional
        Characters of a line of a table; names are shortened in the middle to fit, and the parameters, if
        they are the last column, go on below.
    is_cut : bool
        Whether long cells of a table are shortened; parameters never are.
    """
    match form:
        case Format.JSON:
            return json_text({"schema": f"hpsearch.{kind}/1", kind: rows}, indent=2)
        case Format.JSONL:
            return "\n".join(json_text(row) for row in rows)
        case Format.CSV:
            return _csv(rows, columns, _without_formula)
        case Format.RAW_CSV:
            return _csv(rows, columns, lambda cell: cell)
        case Format.TABLE:
            return _table(rows, columns, width, is_cut=is_cut)


def date_text(date: datetime) -> str:
    """Return a date in UTC, to the second, with its zone."""
    return date.strftime("%Y-%m-%d %H:%M:%S UTC")


def _csv(rows: Sequence[Row], columns: Sequence[str], convert: Callable[[Any], Any]) -> str:
    lines = [list(columns), *([_csv_cell(row.get(c)) for c in columns] for row in rows)]
    return "\n".join(_csv_line(map(convert, line)) for line in lines)


def _csv_line(cells: Iterable[Any]) -> str:
    """Return a line; with this terminator, the writer quotes cells with a carriage return or a line feed."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().removesuffix("\r\n")


def _without_formula(cell: Any) -> Any:
    """Return a cell with an apostrophe in front of what a spreadsheet would run as a formula."""
    if not isinstance(cell, str) or _NUMBER.fullmatch(cell) or not _FORMULA.match(cell):
        return cell
    return f"'{cell}"


def _csv_cell(value: Any) -> Any:
    match value:
        case None:
            return ""
        case float() if value.is_integer() and abs(value) < _MAX_INTEGER:
            return int(value)
        case datetime():
            return value.isoformat()
        case Mapping():
            return json_text(value)
        case list() | tuple():
            return " ".join(map(str, value))
    return value


def _table(rows: Sequence[Row], columns: Sequence[str], width: int | None, *, is_cut: bool) -> str:
    titles = [escaped(_TITLES.get(column, column)) for column in columns]
    widest = [_most_characters(column, is_cut=is_cut) for column in columns]
    cells = [[_cell(row.get(c), most) for c, most in zip(columns, widest, strict=True)] for row in rows]
    widths = [max(map(len, texts)) for texts in zip(titles, *cells, strict=True)]
    if width is not None and is_cut:
        widths = _narrowed(columns, widths, width)
        cells = [[_fitted(text, most) for text, most in zip(row, widths, strict=True)] for row in cells]
    lines = [_line(titles, widths), *(_line(row, widths) for row in cells)]
    if width is not None and columns and columns[-1] == "params":
        indent = _line_width(widths[:-1]) + len(_GAP) if len(widths) > 1 else 0
        lines = [wrapped for line in lines for wrapped in _wrapped(line, indent, width)]
    return "\n".join(lines)


def _most_characters(column: str, *, is_cut: bool) -> int | None:
    """Return how many characters of a column are shown; None for all."""
    if column == "params" or not is_cut:
        return None
    return _MAX_NAME_WIDTH if column in _NAMES else _MAX_WIDTH


def _wrapped(line: str, indent: int, width: int) -> Iterator[str]:
    """Yield the lines of a row whose last column, after ``indent`` characters, may be continued below."""
    if len(line) <= width:
        yield line
        return
    if width - indent < _MIN_WRAPPED:
        yield line[:indent].rstrip()
        line, indent = f"{'':4}{line[indent:]}", 4
    yield from textwrap.wrap(
        line, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False,
        replace_whitespace=False, drop_whitespace=True,
    )  # fmt: skip


def _narrowed(columns: Sequence[str], widths: Sequence[int], width: int) -> list[int]:
    """Return column widths for a line of ``width`` characters, as far as the columns of names can shrink."""
    narrowed = list(widths)
    names = [i for i, column in enumerate(columns) if column in _NAMES]
    for _ in range(_line_width(widths) - width):
        widest = max(names, key=lambda i: narrowed[i], default=None)
        if widest is None or narrowed[widest] <= max(_MIN_NAME_WIDTH, len(columns[widest])):
            break
        narrowed[widest] -= 1
    return narrowed


def _line_width(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _fitted(text: str, width: int) -> str:
    """Return a text shortened in the middle, since names often differ only at the end."""
    if len(text) <= width:
        return text
    n_last = (width - 1) // 2
    return f"{text[: width - 1 - n_last]}…{text[len(text) - n_last :]}"


def _line(texts: list[str], widths: list[int]) -> str:
    return _GAP.join(text.ljust(width) for text, width in zip(texts, widths, strict=True)).rstrip()


def _cell(value: Any, width: int | None) -> str:
    match value:
        case None:
            return "-"
        case datetime():
            return date_text(value)
        case Mapping():
            text = params_text(value)
        case list() | tuple():
            text = ", ".join(map(str, value)) or "-"
        case _:
            text = value_text(value)
    text = escaped(text)
    return text if width is None or len(text) <= width else text[: width - 1] + "…"
