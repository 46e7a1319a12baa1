"""Follows a search, and copies each finished trial to another tool once.

What was copied is read from the tool itself, so a mirror may start late, be killed, or run again. While the
tool is away, nothing is lost, and the search does not notice, since the mirror is another process.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import FINISHED, Trial
from hpsearch.errors import TargetUnavailableError
from hpsearch.integrations.mirror.trial_content import TrialContent, content_of
from hpsearch.runtime.events import Event
from hpsearch.store.protocol import TrialStore

log = logging.getLogger(__name__)

#: Numbers of trials that are looked up together.
_PAGE = 500

#: Seconds to wait for a change of the search, and at first and at most for a tool that is away.
_POLL_S, _FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2.0, 1.0, 60.0


class Target(Protocol):
    """A tool that shows trials."""

    def known(self) -> set[int]:
        """Return the numbers of the trials that it has whole, and remove those that it has in part.

        Raises
        ------
        TargetUnavailableError
            If it cannot be reached.
        """
        ...

    def write(self, content: TrialContent) -> None:
        """Add a finished trial.

        Raises
        ------
        TargetUnavailableError
            If it cannot be reached; a part may have been written.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """How the mirror waits; tests wait for nothing."""

    wait: Callable[[float], None] = time.sleep  #: for a tool that is away, in seconds
    is_stopped: Callable[[], bool] = lambda: False  #: whether the user ends the mirror


def mirror(
    store: TrialStore, exp_key: str, target: Target, *, once: bool = False, pauses: Pauses | None = None
) -> int:
    """Copy the finished trials of a search until it ends, and return how many were copied.

    Parameters
    ----------
    store : TrialStore
        Holds the search.
    exp_key : str
        Its name.
    target : Target
        Where they are copied to.
    once : bool
        Whether to copy only what is finished now, and to raise if the tool is away.
    pauses : Pauses, optional
        How to wait.

    Raises
    ------
    NotFoundError
        If there is no such search, or it is deleted meanwhile.
    TargetUnavailableError
        If the tool is away, and ``once`` is set.
    """
    pauses = pauses or Pauses()
    known: set[int] | None = None
    n_copied, pause_s = 0, _FIRST_PAUSE_S
    while not pauses.is_stopped():
        try:
            if known is None:
                known = target.known()
            # The state is read first: trials that finish before a search is over are then seen below.
            experiment = store.experiment(exp_key)
            for trial in _new(store, experiment, known):
                if trial.state in FINISHED:
                    target.write(content_of(trial, experiment.goal))
                    n_copied += 1
                known.add(trial.tid)
            pause_s = _FIRST_PAUSE_S
        except TargetUnavailableError as error:
            if once:
                raise
            if pause_s == _FIRST_PAUSE_S:  # once for each outage
                log.warning("%s Trying again.", error, extra=Event.MIRROR_WAITS.of(exp_key=exp_key))
            known = None
            pauses.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            continue
        if once or experiment.state.is_over:
            break
        store.wait_for_change(exp_key, _POLL_S)
    return n_copied


def _new(store: TrialStore, experiment: Experiment, known: set[int]) -> Iterator[Trial]:
    """Yield the final trials that are not known, by number."""
    newest = next(iter(store.trials(experiment.exp_key, sort="newest", limit=1)), None)
    missing = [tid for tid in range(0 if newest is None else newest.tid + 1) if tid not in known]
    for start in range(0, len(missing), _PAGE):
        yield from store.finished(experiment.exp_key, missing[start : start + _PAGE])
