"""``Trials``: the documents of a search, and what can be read from them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from hpsearch.errors import ConfigurationError, MissingExtraError
from hpsearch.hyperopt.attachments import TrialAttachments, prefix
from hpsearch.hyperopt.documents import (
    FINAL_STATES,
    JOB_STATE_NEW,
    JOB_VALID_STATES,
    Doc,
    Idxs,
    checked_doc,
    is_ok,
    miscs_to_idxs_vals,
    new_doc,
    spec_from_misc,
    why_no_loss,
)
from hpsearch.hyperopt.exceptions import AllTrialsFailed, InvalidTrial
from hpsearch.hyperopt.statistics import pmin_sampled
from hpsearch.space.tree import Space

__all__ = ["Trials", "trials_from_docs"]


class Trials:
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

    _trials: list[Doc]  #: what the last refresh saw
    _source: list[Doc]  #: the list that it read
    _n_settled: int  #: how many of those are final, from the first on
    _n_settled_shown: int  #: and how many of these are shown

    def __init__(self, exp_key: Any = None, refresh: bool = True) -> None:
        self._ids: set[Any] = set()
        self._next_tid = 0
        self._dynamic_trials: list[Doc] = []
        self._exp_key = exp_key
        self.attachments: dict[str, Any] = {}
        self._forget_refresh()
        self._space: Space | None = None
        if refresh:
            self.refresh()

    def __getstate__(self) -> dict[str, Any]:
        # The space may hold what cannot be pickled; the next fmin brings it again.
        return {**self.__dict__, "_space": None}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self._space = None
        self._next_tid = 0
        self._reserve(self._ids)
        self._forget_refresh()
        self.refresh()

    def __len__(self) -> int:
        return len(self._trials)

    def __iter__(self) -> Iterator[Doc]:
        return iter(self._trials)

    def __getitem__(self, item: Any) -> Doc:
        raise NotImplementedError("Trials are not indexed by number; write trials.trials[i], or look by tid.")

    # Reading

    @property
    def trials(self) -> list[Doc]:
        """The documents of trials that wait, run or are done; not of those whose objective raised."""
        return self._trials

    @property
    def tids(self) -> list[Any]:
        """The numbers of the trials."""
        return [doc["tid"] for doc in self._trials]

    @property
    def specs(self) -> list[Any]:
        """The part ``spec`` of each document, always None."""
        return [doc["spec"] for doc in self._trials]

    @property
    def results(self) -> list[Doc]:
        """What the objective returned, for each trial."""
        return [doc["result"] for doc in self._trials]

    @property
    def miscs(self) -> list[Doc]:
        """The part ``misc`` of each document."""
        return [doc["misc"] for doc in self._trials]

    @property
    def idxs_vals(self) -> tuple[Idxs, Idxs]:
        """By label: the trials in which a parameter was active, and its values there."""
        return miscs_to_idxs_vals(self.miscs)

    @property
    def idxs(self) -> Idxs:
        """By label: the numbers of the trials in which a parameter was active."""
        return self.idxs_vals[0]

    @property
    def vals(self) -> Idxs:
        """By label: the raw values of a parameter in the trials in which it was active."""
        return self.idxs_vals[1]

    def losses(self, bandit: Any = None) -> list[Any]:
        """Return the loss of each trial; None where there is none."""
        return [doc["result"].get("loss") for doc in self._trials]

    def statuses(self, bandit: Any = None) -> list[Any]:
        """Return the status of each trial."""
        return [doc["result"].get("status") for doc in self._trials]

    @property
    def best_trial(self) -> Doc:
        """The document with the lowest loss among those with the status "ok"; the first of equals.

        Raises
        ------
        AllTrialsFailed
            If there is none; it says how many failed, and how the last one did.
        """
        best = min(filter(is_ok, self._trials), key=lambda doc: float(doc["result"]["loss"]), default=None)
        if best is None:
            raise AllTrialsFailed(why_no_loss(filter(self._is_ours, self._dynamic_trials)))
        return best

    @property
    def argmin(self) -> dict[str, Any]:
        """The raw values of the best trial, by label: a choice is the index of its option."""
        return spec_from_misc(self.best_trial["misc"])

    @property
    def best_params(self) -> dict[str, Any]:
        """The values of the best trial as a person reads them: a choice is the option itself.

        Raises
        ------
        AllTrialsFailed
            If there is no best trial.
        ConfigurationError
            If the space is not known, since no ``fmin`` was given these trials in this process.
        """
        return self._known_space().params(self.argmin)

    @property
    def best_config(self) -> Any:
        """What the objective received in the best trial; errors as ``best_params``."""
        return self._known_space().config(self.argmin)

    def average_best_error(self, bandit: Any = None) -> float:
        """Return the mean of ``true_loss``, each weighted by the probability that its loss is the lowest.

        Raises
        ------
        AllTrialsFailed
            If no trial has a loss.
        """
        results = [doc["result"] for doc in self._trials if is_ok(doc)]
        if not results:
            raise AllTrialsFailed(why_no_loss(filter(self._is_ours, self._dynamic_trials)))
        losses = np.array([float(result["loss"]) for result in results])
        variances = np.array([float(result.get("loss_variance") or 0) for result in results])
        true_losses = np.array([float(result.get("true_loss", result["loss"])) for result in results])
        if not variances.any():
            return float(true_losses[np.argmin(losses)])
        return float(pmin_sampled(losses, variances) @ true_losses)

    def to_frame(self) -> Any:
        """Return one row for each trial as a pandas DataFrame: tid, state, status, loss, and each label.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise MissingExtraError("Trials.to_frame()", "frame") from error
        rows = [
            {
                "tid": doc["tid"],
                "state": doc["state"],
                "status": doc["result"].get("status"),
                "loss": doc["result"].get("loss"),
                **spec_from_misc(doc["misc"]),
            }
            for doc in self._trials
        ]
        return pandas.DataFrame(rows)

    def count_by_state_synced(self, arg: Any, trials: Iterable[Doc] | None = None) -> int:
        """Count, as of the last refresh, the trials in a state, or in one of several."""
        states = {arg} if isinstance(arg, int) else set(arg)
        return sum(doc["state"] in states for doc in (self._trials if trials is None else trials))

    def count_by_state_unsynced(self, arg: Any) -> int:
        """Count, as of now, the trials in a state, or in one of several."""
        return self.count_by_state_synced(arg, filter(self._is_ours, self._dynamic_trials))

    # Writing

    def refresh(self) -> None:
        """Take in what was inserted or changed since the last time."""
        source = self._dynamic_trials
        if source is not self._source or len(source) < self._n_settled:
            self._forget_refresh()
        del self._trials[self._n_settled_shown :]
        for i in range(self._n_settled, len(source)):
            doc = source[i]
            if doc["state"] in JOB_VALID_STATES and self._is_ours(doc):
                self._trials.append(doc)
            if i == self._n_settled and doc["state"] in FINAL_STATES:
                self._n_settled = i + 1
                self._n_settled_shown = len(self._trials)

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
        """Insert one document, to be shown from the next refresh on; return its number."""
        return self.insert_trial_docs([doc])[0]

    def insert_trial_docs(self, docs: Iterable[Doc]) -> list[Any]:
        """Insert documents, to be shown from the next refresh on; return their numbers."""
        return self._insert_trial_docs([self.assert_valid_trial(doc) for doc in docs])

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
        return f"{prefix(trial['tid'])}{name}"

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

    def _known_space(self) -> Space:
        if self._space is None:
            raise ConfigurationError(
                "These trials do not know their space, which is not saved with them; "
                "call fmin with them first, or use space_eval(space, trials.argmin)."
            )
        return self._space


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
