"""Parses Python text in any thread."""

from __future__ import annotations

import ast
from contextlib import suppress
from typing import Literal, overload

#: How often CPython may refuse a text.
_MAX_REFUSALS = 20


@overload
def syntax_tree(text: str, mode: Literal["exec"] = "exec") -> ast.Module: ...
@overload
def syntax_tree(text: str, mode: Literal["eval"]) -> ast.Expression: ...


def syntax_tree(text: str, mode: Literal["exec", "eval"] = "exec") -> ast.AST:
    """Return what ``ast.parse`` does, also while other threads parse.

    Before 3.13, CPython counts the recursion of all parsing threads together, and raises ``SystemError`` if
    the garbage collector lets another thread parse in between.

    Parameters
    ----------
    text : str
        A module, or an expression.
    mode : {"exec", "eval"}
        Which of the two.

    Raises
    ------
    SyntaxError, ValueError, RecursionError, MemoryError
        If it cannot be parsed.
    """
    for _ in range(_MAX_REFUSALS):
        with suppress(SystemError):
            return ast.parse(text, mode=mode)
    return ast.parse(text, mode=mode)
