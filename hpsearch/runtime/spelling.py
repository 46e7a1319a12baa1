"""Hints for misspelt names."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return a hint in parentheses, after a space, at the known name that is closest to a word.

    Parameters
    ----------
    word : str
        What was given.
    known : sequence of str
        The valid names.

    Returns
    -------
    str
        Empty if none is close.
    """
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
