"""Texts for matplotlib."""

from __future__ import annotations

from hpsearch.runtime.escaping import printable


def plain(text: str) -> str:
    """Return a text that matplotlib draws as it is; it would read formulas between dollars."""
    return printable(text).replace("$", r"\$")
