"""Trials that pass through the methods a script replaced.

A subclass or a patch of ``MongoTrials`` may see, and change, every new trial. The trials that a coordinator
suggests then pass through its methods one at a time; otherwise they go to the store in batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from hpsearch.core.trial import State, Trial

#: The methods through which Hyperopt's driver inserts trials, and those with which it reads them.
INSERTION_HOOKS = (
    "new_trial_ids",
    "new_trial_docs",
    "insert_trial_docs",
    "assert_valid_trial",
    "_insert_trial_docs",
)
REFRESH_HOOKS = ("refresh", "refresh_tids")


def has_replaced(trials: Any, names: Iterable[str], originals: Mapping[str, Callable[..., Any]]) -> bool:
    """Whether a method was replaced on an object, on its class, or by a patch of ``MongoTrials``.

    Parameters
    ----------
    trials : MongoTrials
        The object.
    names : iterable of str
        Any one of these methods.
    originals : mapping
        The methods by name, as ``MongoTrials`` defines them.
    """
    return any(name in vars(trials) or getattr(type(trials), name) is not originals[name] for name in names)


class HookedInsertion:
    """The insertion of one suggested trial as a document, which holds less than the trial.

    Parameters
    ----------
    suggested : Trial
        As the coordinator made it.
    tid : any
        The ``tid`` in its document.
    """

    def __init__(self, suggested: Trial, tid: Any) -> None:
        self._suggested, self._tid = suggested, tid
        self.inserted: list[Trial] = []  #: what reached the store

    def completed(self, trial: Trial) -> Trial:
        """Return a trial read from a document, with the fields of the suggestion that documents lack."""
        if trial.tid != self._tid or trial.state is not State.PENDING:
            return trial
        is_same = trial.values == self._suggested.values
        origin = self._suggested.origin if is_same else trial.origin
        return replace(
            self._suggested, tid=trial.tid, values=trial.values, params=trial.params, origin=origin
        )
