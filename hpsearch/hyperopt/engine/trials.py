"""``Trials``: the documents of a search in this process, and how they come there."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from numbers import Integral
from typing import Any

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

__all__ = ["Trials", "trials_from_docs"]

#: What is known of the documents besides, and is found out again.
_NOT_PICKLED = frozenset(
    {"_next_tid", "_source", "_n_settled", "_n_settled_shown", "_settled_counts", "_space"}
)


class Trials(ReadOnlyTrials):
    """The trials of a search, as documents that a script may read at any time.

    Parameters
    ----------
    exp_key : any, optional
        Trials with another key are kept, but not shown.
    refresh : bool
        Whether to refresh at once.

    Notes
    -----
    ``trials`` shows what the last ``refresh`` saw. A document that was done then is taken
    to stay so; only those that were open, and new ones, are looked at again, so that a
    refresh after each of n trials costs O(n) in all.
    """

    asynchronous = False

    # Of the class, for subclasses that do not call __init__, and trials that Hyperopt pickled.
    _next_tid = 0
    _source: list[Doc] | None = None  #: the list that the last refresh read
    _n_settled = 0  #: how many of its documents are final, from the first on
    _n_settled_shown = 0  #: and how many of these are shown
    _settled_counts: Counter[int]  #: and how many of ours are in which state

    #: Threads that evaluate trials may refresh them, too. One lock for all trials: it is held for
    #: microseconds, and one of each instance could not be pickled.
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
        # What Hyperopt's own Trials have, and what a subclass adds: either package reads the other's
        # pickles. The next fmin brings the space, which may hold what cannot be pickled.
        return {name: value for name, value in self.__dict__.items() if name not in _NOT_PICKLED}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self._reserve(self._ids)
        self._forget_refresh()
        self.refresh()

    def refresh(self) -> None:
        """Take in what was inserted or changed since the last time."""
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
            # In one step, so that a thread that reads meanwhile sees the list before or after it.
            self._trials[n_before:] = shown

    def count_by_state_unsynced(self, arg: Any) -> int:
        """Count, as of now, the trials in a state, or in one of several."""
        with self._refreshing:
            if self._dynamic_trials is not self._source:
                return super().count_by_state_unsynced(arg)
            states = {arg} if isinstance(arg, int) else set(arg)
            rest = filter(self._is_ours, self._dynamic_trials[self._n_settled :])
            return sum(self._settled_counts[s] for s in states) + self.count_by_state_synced(states, rest)

    def queued(self) -> list[Doc]:
        """Return the documents that wait for their evaluation, inserted or not yet refreshed."""
        start = self._n_settled if self._dynamic_trials is self._source else 0
        return [
            doc
            for doc in self._dynamic_trials[start:]
            if doc["state"] == JOB_STATE_NEW and self._is_ours(doc)
        ]

    def view(self, exp_key: Any = None, refresh: bool = True) -> Trials:
        """Return the trials of another key over the same documents."""
        other = object.__new__(self.__class__)
        other.__dict__.update(self.__dict__, _exp_key=exp_key)
        other._forget_refresh()
        if refresh:
            other.refresh()
        return other

    def new_trial_ids(self, n: int) -> list[int]:
        """Return the numbers of ``n`` trials that nobody else gets."""
        while self._next_tid in self._ids:  # taken through another view of the same documents
            self._next_tid += 1
        tids = list(range(self._next_tid, self._next_tid + n))
        self._reserve(tids)
        return tids

    def new_trial_docs(
        self, tids: Sequence[Any], specs: Sequence[Any], results: Sequence[Any], miscs: Sequence[Any]
    ) -> list[Doc]:
        """Return documents of trials that wait; they are not inserted."""
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
        """Return documents of trials that repeat others, which their ``misc["from_tid"]`` names."""
        docs = self.new_trial_docs(tids, specs, results, miscs)
        for doc, source in zip(docs, sources, strict=True):
            doc["misc"]["from_tid"] = source["tid"]
        return docs

    def assert_valid_trial(self, trial: Any) -> Doc:
        """Return a document that may be inserted, or raise ``InvalidTrial``."""
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
        """Insert copies of documents, to be shown from the next refresh on; return their numbers.

        The copies hold Python's numbers in the place of NumPy's, as a database would.
        """
        return self._insert_trial_docs([SONify(self.assert_valid_trial(doc)) for doc in docs])

    def delete_all(self) -> None:
        """Forget all trials and attachments."""
        self._dynamic_trials = []
        self._ids = set()
        self._next_tid = 0
        self.attachments = {}
        self.refresh()

    def trial_attachments(self, trial: Doc) -> TrialAttachments:
        """Return the attachments of a trial as a mapping from names to blobs."""
        return TrialAttachments(self.attachments, trial["tid"])

    def aname(self, trial: Doc, name: str) -> str:
        """Return the key under which ``attachments`` holds a blob of a trial."""
        return f"{_prefix(trial['tid'])}{name}"

    def learn_space(self, space: Space) -> None:
        """Note which space the trials are of, for ``best_params`` and ``best_config``."""
        self._space = space

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
    ) -> Any:
        """Minimise a function into these trials; see ``hpsearch.hyperopt.fmin``."""
        fmin = sys.modules["hpsearch.hyperopt.fmin"].fmin
        return fmin(
            fn,
            space,
            algo=algo,
            max_evals=max_evals,
            timeout=timeout,
            loss_threshold=loss_threshold,
            trials=self,
            rstate=rstate,
            allow_trials_fmin=False,
            pass_expr_memo_ctrl=pass_expr_memo_ctrl,
            catch_eval_exceptions=catch_eval_exceptions,
            verbose=verbose,
            return_argmin=return_argmin,
            max_queue_len=max_queue_len,
            show_progressbar=show_progressbar,
            early_stop_fn=early_stop_fn,
            trials_save_file=trials_save_file,
        )

    def _insert_trial_docs(self, docs: list[Doc]) -> list[Any]:
        """Insert documents that were checked."""
        tids = [doc["tid"] for doc in docs]
        self._reserve(tids)
        self._dynamic_trials.extend(docs)
        return tids

    def _reserve(self, tids: Iterable[Any]) -> None:
        """Note numbers that are taken; those of integrators may be text."""
        tids = list(tids)
        self._ids.update(tids)
        self._next_tid = max([self._next_tid, *(int(tid) + 1 for tid in tids if isinstance(tid, Integral))])

    def _is_ours(self, doc: Doc) -> bool:
        return self._exp_key is None or doc["exp_key"] == self._exp_key

    def _forget_refresh(self) -> None:
        """Look at every document anew."""
        self._trials = []
        self._source = self._dynamic_trials
        self._n_settled = self._n_settled_shown = 0
        self._settled_counts = Counter()

    def _every_doc(self) -> Iterable[Doc]:
        return filter(self._is_ours, self._dynamic_trials)


def trials_from_docs(docs: Iterable[Doc], validate: bool = True, **kwargs: Any) -> Trials:
    """Return ``Trials`` of these documents, refreshed; keywords go to ``Trials``.

    Raises
    ------
    InvalidTrial
        If a document is no trial, unless ``validate`` is false.
    """
    trials = Trials(**kwargs)
    if validate:
        trials.insert_trial_docs(docs)
    else:
        trials._insert_trial_docs(list(docs))  # noqa: SLF001 - the one place that skips the check
    trials.refresh()
    return trials


class TrialAttachments(MutableMapping[str, Any]):
    """The attachments of one trial, over the dict that holds those of all trials."""

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
