"""Suggests the name that a user may have meant."""

from __future__ import annotations

from collections.abc import Iterable

#: Similarity from 0 to 1 below which a name is no suggestion.
_CLOSE = 0.75


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence with the known name that is close to a wrong one; empty if none is.

    Parameters
    ----------
    name : str
        What the user typed.
    known : iterable of str
        The names that exist.
    """
    import difflib

    by_lower = {one.lower(): one for one in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=_CLOSE)
    return f" Did you mean {by_lower[close[0]]!r}?" if close else ""
