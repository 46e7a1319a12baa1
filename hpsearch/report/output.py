"""What a trial printed, and what is new in it since the last look."""

from __future__ import annotations

#: Characters at the beginning of newer output that are searched in the known output.
_HEAD = 80


def new_output(known: str, present: str) -> str:
    """Return the part of the present output that is not known yet.

    Of long output only the end is kept, so the known part may begin earlier or be missing altogether.

    Parameters
    ----------
    known : str
        All that has been shown.
    present : str
        The end of the output as it is now.
    """
    head = present[:_HEAD]
    at = known.find(head)
    while at >= 0:
        if present.startswith(known[at:]):
            return present[len(known) - at :]
        at = known.find(head, at + 1)
    for n in range(min(len(head), len(known)), 0, -1):
        if present.startswith(known[-n:]):
            return present[n:]
    return f"[...]\n{present}" if known else present
