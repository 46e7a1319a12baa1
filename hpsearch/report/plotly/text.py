"""Texts and numbers for plotly.js."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.runtime.escaping import printable

#: Significant digits of a coordinate; a screen shows four.
_DIGITS = 6


def html_text(text: str) -> str:
    """Return a text that plotly.js shows as it is; it reads a part of HTML in texts."""
    return escape(printable(text), quote=False)


def numbers(values: NDArray[Any]) -> list[float | None]:
    """Return an array as JSON, with few digits, and None for NaN.

    Parameters
    ----------
    values : (n,) array
        Coordinates.
    """
    x = np.asarray(values, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        exponents = np.where(x == 0, 0, np.floor(np.log10(np.abs(x))))
    found: list[float | None] = []
    for value, exponent in zip(x.tolist(), exponents.tolist(), strict=True):
        if value != value or value in (float("inf"), float("-inf")):
            found.append(None)
        else:
            rounded = round(value, int(_DIGITS - 1 - exponent))
            found.append(int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded)
    return found
