"""What is believed of the trials of a search, by number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.core.history import History
from hpsearch.core.trial import State, Trial
from hpsearch.errors import SpaceError
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.noise import Noise, Repeats, learned_noise

#: States of trials whose outcome says how good their point is.
_EVALUATED = {State.DONE, State.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class BelievedTrials:
    """The losses of a noisy search as they would be without noise."""

    losses: Mapping[int, float]  #: by number of the trial
    ranked: Sequence[int]  #: numbers of these trials, the one that is most likely best first

    @property
    def best(self) -> int:
        """Number of the trial that is most likely best."""
        return self.ranked[0]


def believed_trials(space: Space, trials: Iterable[Trial]) -> BelievedTrials | None:
    """Return what is believed of the finished trials; None if their losses are not known to be noisy.

    Parameters
    ----------
    space : Space
        Their space.
    trials : iterable of Trial
        All trials of the search; those that are invalid, outside the space, or beyond a limit are left out.
    """
    history = History(space)
    tids: list[int] = []
    valid = (t for t in trials if t.state in _EVALUATED and t.invalid is None and t.feasible is not False)
    for trial in sorted(valid, key=_completion):
        if _is_point(space, trial.values):
            history.add(trial)
            tids.append(trial.tid)
    if learned_noise(history.losses, Repeats().read(history)) is not Noise.NOISY:
        return None
    # SciPy takes a while to import, and most searches do not need it.
    from hpsearch.suggest.believed_losses import believed_losses

    believed = believed_losses(history)
    if believed is None:
        return None
    works = np.flatnonzero(history.losses < np.inf)
    ranked = works[np.argsort(believed.cautious[works], kind="stable")].tolist()
    return BelievedTrials(
        losses={tids[row]: float(believed.losses[row]) for row in ranked},
        ranked=[tids[row] for row in ranked],
    )


def _completion(trial: Trial) -> tuple[bool, float, int]:
    at = trial.finished_at
    return at is None, 0.0 if at is None else at.timestamp(), trial.tid


def _is_point(space: Space, values: Values) -> bool:
    try:
        space.validate(values)
    except SpaceError:
        return False
    return True
