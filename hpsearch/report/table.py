"""Rows as a table for people, or as JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from hpsearch.report.text import params_text, value_text
from hpsearch.runtime.escaping import escaped
from hpsearch.runtime.strict_json import json_text

Row = Mapping[str, Any]

#: The widest a column of a table gets; the other forms are never shortened.
_MAX_WIDTH = 72

#: What a person types or looks for; nobody can, once it is cut.
_NAMES = frozenset({"exp_key", "name", "host", "worker"})
_MAX_NAME_WIDTH = 300

#: Characters of a name that a table shows even where it does not fit.
_LEAST_NAME_WIDTH = 20

_GAP = "  "

#: What a spreadsheet takes for a formula, wide forms of its signs included, and what it takes for a number.
_FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")  # noqa: RUF001 - that they look alike is why
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    RAW_CSV = "raw csv"  #: with texts as they are, which a spreadsheet may run

    @property
    def is_nested(self) -> bool:
        """Whether a value may hold others, as in the documents themselves."""
        return self in {Format.JSON, Format.JSONL}


def render(
    kind: str, rows: Sequence[Row], columns: Sequence[str], form: Format, *, width: int | None = None
) -> str:
    """Return rows as text.

    Parameters
    ----------
    kind : str
        What the rows are: "trials", "workers"; JSON names it with the version of its shape.
    rows : sequence of mapping
        Values by column name; JSON prints all of them.
    columns : sequence of str
        What a table and a CSV file show, in this order.
    form : Format
        The form.
    width : int, optional
        Characters that a line of a table should not exceed: its names are shortened, in the middle.
    """
    match form:
        case Format.JSON:
            return json_text({"schema": f"hpsearch.{kind}/1", kind: rows}, indent=2)
        case Format.JSONL:
            return "\n".join(json_text(row) for row in rows)
        case Format.CSV:
            return _csv(rows, columns, _unrunnable)
        case Format.RAW_CSV:
            return _csv(rows, columns, lambda cell: cell)
        case Format.TABLE:
            return _table(rows, columns, width)


def date_text(date: datetime) -> str:
    """Return a date to the second, UTC as the store keeps it."""
    return date.strftime("%Y-%m-%d %H:%M:%S")


def _csv(rows: Sequence[Row], columns: Sequence[str], kept: Callable[[Any], Any]) -> str:
    """One column for each parameter, so that a spreadsheet can sort by it; ``kept`` makes what is written."""
    labels = list(dict.fromkeys(label for row in rows for label in row.get("params") or ()))
    plain = [c for c in columns if c != "params"]
    if "params" not in columns:
        labels = []
    # A parameter may be called "loss" or "worker", too.
    lines = [[*plain, *(f"params.{label}" if label in plain else label for label in labels)]]
    for row in rows:
        params = row.get("params") or {}
        cells = [row.get(c) for c in plain] + [params.get(label) for label in labels]
        lines.append([_csv_cell(c) for c in cells])
    return "\n".join(_csv_line(map(kept, line)) for line in lines)


def _csv_line(cells: Iterable[Any]) -> str:
    """Return a line; cells that hold either end of a line are quoted, lest a reader begins a row in one."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().removesuffix("\r\n")


def _unrunnable(cell: Any) -> Any:
    """Return a cell of which no spreadsheet makes a formula: an apostrophe in front makes it a text."""
    if not isinstance(cell, str) or _NUMBER.fullmatch(cell) or not _FORMULA.match(cell):
        return cell
    return f"'{cell}"


def _csv_cell(value: Any) -> Any:
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat()
        case Mapping():
            return json_text(value)
        case list() | tuple():
            return " ".join(map(str, value))
    return value


def _table(rows: Sequence[Row], columns: Sequence[str], width: int | None) -> str:
    widest = [_MAX_NAME_WIDTH if column in _NAMES else _MAX_WIDTH for column in columns]
    cells = [[_cell(row.get(c), most) for c, most in zip(columns, widest, strict=True)] for row in rows]
    widths = [max(map(len, texts)) for texts in zip(columns, *cells, strict=True)]
    if width is not None:
        widths = _narrowed(columns, widths, width)
        cells = [[_fitted(text, most) for text, most in zip(row, widths, strict=True)] for row in cells]
    lines = [_line(list(columns), widths), *(_line(row, widths) for row in cells)]
    return "\n".join(lines)


def _narrowed(columns: Sequence[str], widths: Sequence[int], width: int) -> list[int]:
    """Return the widths of columns with those of names so small that a line fits, if that can be."""
    narrowed = list(widths)
    names = [i for i, column in enumerate(columns) if column in _NAMES]
    for _ in range(_line_width(widths) - width):
        widest = max(names, key=lambda i: narrowed[i], default=None)
        if widest is None or narrowed[widest] <= max(_LEAST_NAME_WIDTH, len(columns[widest])):
            break
        narrowed[widest] -= 1
    return narrowed


def _line_width(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _fitted(text: str, width: int) -> str:
    """Return a text that is shortened in the middle: names differ at their ends, and begin alike."""
    if len(text) <= width:
        return text
    n_last = (width - 1) // 2
    return f"{text[: width - 1 - n_last]}…{text[len(text) - n_last :]}"


def _line(texts: list[str], widths: list[int]) -> str:
    return _GAP.join(text.ljust(width) for text, width in zip(texts, widths, strict=True)).rstrip()


def _cell(value: Any, width: int) -> str:
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
    return text if len(text) <= width else text[: width - 1] + "…"
