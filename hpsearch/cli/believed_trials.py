"""Reads what is believed of the trials of a noisy search."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hpsearch.report.believed_trials import BelievedTrials
    from hpsearch.space.tree import Space
    from hpsearch.store.protocol import TrialStore

#: Successful trials up to which they are computed unasked, since they need all points of the search.
_MAX_UNASKED = 10_000

NOT_NOISY = (
    "The losses are not known to be noisy: no point was evaluated twice, or its losses are equal. "
    "Trials are ordered by their losses."
)


def read_believed_trials(
    store: TrialStore, exp_key: str, space: Space, *, may_be_slow: bool = False
) -> BelievedTrials | None:
    """Return what is believed of the trials of a search; None if its losses are not known to be noisy.

    Parameters
    ----------
    store : TrialStore
        The store.
    exp_key : str
        Name of the search.
    space : Space
        Its space.
    may_be_slow : bool
        Whether to read all points of a search with more than 10,000 successful trials, too.
    """
    from hpsearch.core.trial import State
    from hpsearch.report.believed_trials import believed_trials

    if not may_be_slow and store.summaries([exp_key])[exp_key].counts[State.DONE] > _MAX_UNASKED:
        return None
    return believed_trials(space, store.points(exp_key))
