"""``Trials``: the documents of a search in this process, and their attachments."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

from hpsearch.hyperopt.engine.documents import (
    FINAL_STATES,
    JOB_STATE_NEW,
    JOB_VALID_STATES,
    Doc,
    SONify,
    checked_doc,
    new_doc,
)
from hpsearch.hyperopt.engine.read_only_trials import ReadOnlyTrials
from hpsearch.hyperopt.exceptions import InvalidTrial
from hpsearch.space.tree import Space

if TYPE_CHECKING:
    from hpsearch.hyperopt.engine.pruning import LocalPruning

__all__ = ["Trials", "trials_from_docs"]

#: Attributes that are not pickled, since they are derived from the documents or set by the next ``fmin``.
_NOT_PICKLED = frozenset(
    {"_next_tid", "_source", "_n_settled", "_n_settled_shown", "_settled_counts", "_space", "pruning"}
)


class Trials(ReadOnlyTrials):
    """The trials of a search as documents, which a script may read at any time.

    Parameters
    ----------
    exp_key : any, optional
        Only trials with this key are shown; all if it is None.
    refresh : bool
        Whether to refresh at once.

    Notes
    -----
    ``trials`` shows the documents as of the last ``refresh``. Documents that were final then are assumed not
    to change, and only the others are read again, so a refresh after each of n trials costs O(n) in total.
    """

    asynchronous = False

    # Class attributes, for subclasses that do not call __init__ and for trials that Hyperopt pickled.
    _next_tid = 0
    _source: list[Doc] | None = None  #: the list that the last refresh read
    _n_settled = 0  #: number of its leading documents that are final
    _n_settled_shown = 0  #: how many of these are shown
    _settled_counts: Counter[int]  #: and how many with our key are in which state
    #: What ``fmin`` with a pruner learned from reports; not saved with the trials.
    pruning: LocalPruning | None = None

    #: Protects ``refresh`` against threads that evaluate trials. Shared by all instances, since locks cannot
    #: be pickled; it is held for microseconds.
    _refreshing = threading.RLock()

    def __init__(self, exp_key: Any = None, refresh: bool = True) -> None:
        self._ids: set[Any] = set()
        self._dynamic_trials: list[Doc] = []
        self._exp_key = exp_key
        self.attachments: MutableMapping[str, Any] = {}
        self._forget_refresh()
        self._space = None
        if refresh:
            self.refresh()

    def __getstate__(self) -> dict[str, Any]:
        # Only the attributes of Hyperopt's Trials and of a subclass, so either package reads the other's
        # pickles. The space, which may not be picklable, is set by the next fmin.
        return {name: value for name, value in self.__dict__.items() if name not in _NOT_PICKLED}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self._reserve(self._ids)
        self._forget_refresh()
        self.refresh()

    def refresh(self) -> None:
        """Read the documents that were inserted or changed since the last refresh."""
        with self._refreshing:
            source = self._dynamic_trials
            if source is not self._source or len(source) < self._n_settled:
                self._forget_refresh()
            n_before, shown, is_settled = self._n_settled_shown, list[Doc](), True
            for doc in source[self._n_settled :]:
                state, is_ours = doc["state"], self._is_ours(doc)
                if is_ours and state in JOB_VALID_STATES:
                    shown.append(doc)
                is_settled = is_settled and state in FINAL_STATES
                if is_settled:
                    self._n_settled += 1
                    self._n_settled_shown = n_before + len(shown)
                    self._settled_counts[state] += is_ours
            # One assignment, so that other threads see the old list or the new one.
            self._trials[n_before:] = shown

    def count_by_state_unsynced(self, arg: Any) -> int:
        """Count the trials in a state, or in one of several, as of now."""
        with self._refreshing:
            if self._dynamic_trials is not self._source:
                return super().count_by_state_unsynced(arg)
            states = {arg} if isinstance(arg, int) else set(arg)
            rest = filter(self._is_ours, self._dynamic_trials[self._n_settled :])
            return sum(self._settled_counts[s] for s in states) + self.count_by_state_synced(states, rest)

    def queued(self) -> list[Doc]:
        """Return the documents to evaluate, including those inserted since the last refresh."""
        start = self._n_settled if self._dynamic_trials is self._source else 0
        return [
            doc
            for doc in self._dynamic_trials[start:]
            if doc["state"] == JOB_STATE_NEW and self._is_ours(doc)
        ]

    def view(self, exp_key: Any = None, refresh: bool = True) -> Trials:
        """Return the trials of another key among the same documents.

        Parameters
        ----------
        exp_key : any, optional
            The key; all trials by default.
        refresh : bool
            Whether to refresh at once.
        """
        other = object.__new__(self.__class__)
        other.__dict__.update(self.__dict__, _exp_key=exp_key)
        other._forget_refresh()
        if refresh:
            other.refresh()
        return other

    def new_trial_ids(self, n: int) -> list[int]:
        """Reserve the numbers of ``n`` new trials."""
        while self._next_tid in self._ids:  # reserved through another view of the same documents
            self._next_tid += 1
        tids = list(range(self._next_tid, self._next_tid + n))
        self._reserve(tids)
        return tids

    def new_trial_docs(
        self, tids: Sequence[Any], specs: Sequence[Any], results: Sequence[Any], miscs: Sequence[Any]
    ) -> list[Doc]:
        """Return documents of new trials without inserting them.

        Parameters
        ----------
        tids : sequence
            Numbers of the trials.
        specs, results, miscs : sequence
            These parts of each document.
        """
        rows = zip(tids, specs, results, miscs, strict=True)
        return [new_doc(tid, spec, result, misc, self._exp_key) for tid, spec, result, misc in rows]

    def source_trial_docs(
        self,
        tids: Sequence[Any],
        specs: Sequence[Any],
        results: Sequence[Any],
        miscs: Sequence[Any],
        sources: Sequence[Doc],
    ) -> list[Doc]:
        """Return documents of new trials derived from others, with these in ``misc["from_tid"]``.

        Parameters
        ----------
        tids, specs, results, miscs
            See ``new_trial_docs``.
        sources : sequence of dict
            The document that each is derived from.
        """
        docs = self.new_trial_docs(tids, specs, results, miscs)
        for doc, source in zip(docs, sources, strict=True):
            doc["misc"]["from_tid"] = source["tid"]
        return docs

    def assert_valid_trial(self, trial: Any) -> Doc:
        """Return the document if it can be inserted; raise ``InvalidTrial`` otherwise."""
        doc = checked_doc(trial)
        if self._exp_key is not None and doc["exp_key"] != self._exp_key:
            raise InvalidTrial(
                f"Trial {doc['tid']!r} belongs to {doc['exp_key']!r}, but these trials to {self._exp_key!r}.",
                doc,
            )
        return doc

    def insert_trial_doc(self, doc: Doc) -> Any:
        """Insert a copy of one document, as ``insert_trial_docs`` does; return its number."""
        return self.insert_trial_docs([doc])[0]

    def insert_trial_docs(self, docs: Iterable[Doc]) -> list[Any]:
        """Insert copies of documents, visible from the next refresh on; return their numbers.

        NumPy scalars become Python numbers, as in a database.
        """
        return self._insert_trial_docs([SONify(self.assert_valid_trial(doc)) for doc in docs])

    def delete_all(self) -> None:
        """Delete all trials and attachments."""
        self._dynamic_trials = []
        self._ids = set()
        self._next_tid = 0
        self.attachments = {}
        self.refresh()

    def trial_attachments(self, trial: Doc) -> TrialAttachments:
        """Return the attachments of a trial as a mapping from names to blobs."""
        return TrialAttachments(self.attachments, trial["tid"])

    def aname(self, trial: Doc, name: str) -> str:
        """Return the key of a trial's attachment in ``attachments``.

        Parameters
        ----------
        trial : dict
            The document.
        name : str
            Name of the attachment.
        """
        return f"{_prefix(trial['tid'])}{name}"

    def set_space(self, space: Space) -> None:
        """Set the space, for ``best_params`` and ``best_config``."""
        self._space = space

    def set_outcomes(self, declared: Mapping[str, Any] | None) -> None:
        """Set the arguments of ``fmin`` that declare several objectives or limits; None of one loss."""
        self._declared = declared

    def fmin(
        self,
        fn: Callable[..., Any],
        space: Any,
        algo: Callable[..., Any] | None = None,
        max_evals: int | None = None,
        timeout: float | None = None,
        loss_threshold: float | None = None,
        max_queue_len: int = 1,
        rstate: Any = None,
        verbose: bool = False,
        pass_expr_memo_ctrl: bool | None = None,
        catch_eval_exceptions: bool = False,
        return_argmin: bool = True,
        show_progressbar: Any = True,
        early_stop_fn: Callable[..., Any] | None = None,
        trials_save_file: str = "",
        believe: Any = None,
        pruner: Any = None,
        objectives: Mapping[str, str] | None = None,
        limits: Mapping[str, str] | None = None,
    ) -> Any:
        """Minimise a function, and add the trials to these.

        Parameters
        ----------
        fn, space, algo, max_evals, timeout, loss_threshold, max_queue_len, rstate, verbose
            See ``hpsearch.hyperopt.fmin``, as for all parameters below.
        pass_expr_memo_ctrl, catch_eval_exceptions, return_argmin, show_progressbar, early_stop_fn
            See there.
        trials_save_file, believe, pruner, objectives, limits
            See there.
        """
        arguments = {name: value for name, value in locals().items() if name != "self"}
        fmin = sys.modules["hpsearch.hyperopt.fmin"].fmin
        return fmin(**arguments, trials=self, allow_trials_fmin=False)

    def _insert_trial_docs(self, docs: list[Doc]) -> list[Any]:
        """Insert valid documents."""
        tids = [doc["tid"] for doc in docs]
        self._reserve(tids)
        self._dynamic_trials.extend(docs)
        return tids

    def _reserve(self, tids: Iterable[Any]) -> None:
        """Reserve numbers; libraries may use strings."""
        tids = list(tids)
        self._ids.update(tids)
        self._next_tid = max([self._next_tid, *(int(tid) + 1 for tid in tids if isinstance(tid, Integral))])

    def _is_ours(self, doc: Doc) -> bool:
        return self._exp_key is None or doc["exp_key"] == self._exp_key

    def _forget_refresh(self) -> None:
        """Make the next refresh read every document."""
        self._trials = []
        self._source = self._dynamic_trials
        self._n_settled = self._n_settled_shown = 0
        self._settled_counts = Counter()

    def _every_doc(self) -> Iterable[Doc]:
        return filter(self._is_ours, self._dynamic_trials)


def trials_from_docs(docs: Iterable[Doc], validate: bool = True, **kwargs: Any) -> Trials:
    """Return refreshed ``Trials`` with some documents.

    Parameters
    ----------
    docs : iterable of dict
        The documents.
    validate : bool
        Whether to check the documents, and insert copies.
    **kwargs
        Arguments of ``Trials``.

    Raises
    ------
    InvalidTrial
        If a document does not have the format of a trial, and ``validate`` is true.
    """
    trials = Trials(**kwargs)
    if validate:
        trials.insert_trial_docs(docs)
    else:
        trials._insert_trial_docs(list(docs))
    trials.refresh()
    return trials


class TrialAttachments(MutableMapping[str, Any]):
    """The attachments of one trial, as a view of a mapping with those of all trials.

    Parameters
    ----------
    all_attachments : mutable mapping
        The attachments of all trials.
    tid : int or str
        Number of the trial.
    """

    def __init__(self, all_attachments: MutableMapping[str, Any], tid: Any) -> None:
        self._all = all_attachments
        self._prefix = _prefix(tid)

    def __getitem__(self, name: str) -> Any:
        return self._all[self._prefix + name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._all[self._prefix + name] = value

    def __delitem__(self, name: str) -> None:
        del self._all[self._prefix + name]

    def __iter__(self) -> Iterator[str]:
        return (key.removeprefix(self._prefix) for key in self._all if key.startswith(self._prefix))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _prefix(tid: Any) -> str:
    """Return the start of the keys of a trial's attachments."""
    return f"ATTACH::{tid}::"
