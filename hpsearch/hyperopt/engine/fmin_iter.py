"""``FMinIter``: a search whose trials are documents, in this process or on a fleet."""

from __future__ import annotations

import functools
import logging
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from hpsearch.coordination.plan import n_to_suggest
from hpsearch.core.experiment import Budget
from hpsearch.errors import ConfigurationError
from hpsearch.hyperopt.engine.ctrl import Ctrl, current_trial_of
from hpsearch.hyperopt.engine.documents import (
    DOMAIN_CMD,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    Doc,
    coarse_utcnow,
    is_ok,
    spec_from_misc,
    validate_loss_threshold,
    validate_timeout,
)
from hpsearch.hyperopt.engine.domain import Domain
from hpsearch.hyperopt.engine.fmin_loop import search
from hpsearch.hyperopt.engine.idle_queue import IdleQueue
from hpsearch.hyperopt.engine.points import raw_point
from hpsearch.hyperopt.engine.pruning import LocalPruning, pruned_result
from hpsearch.hyperopt.engine.saving import pickled, save_trials
from hpsearch.hyperopt.engine.suggest import MAX_SEED, ask_within_conditions
from hpsearch.hyperopt.progress import best_loss_text, progress_bar
from hpsearch.hyperopt.pyll.draws import rng_from_seed
from hpsearch.objective.current_trial import Pruned, under_evaluation
from hpsearch.runtime.events import Event
from hpsearch.suggest.protocol import trial_rng

logger = logging.getLogger(__name__)


class FMinIter:
    """Ask an algorithm for documents, evaluate them, and stop at the limits.

    Parameters
    ----------
    algo : callable
        ``algo(new_ids, domain, trials, seed)`` returns documents; an empty list ends the search.
    domain : Domain
        Objective and space.
    trials : Trials
        The trials so far; new ones are added.
    rstate : Generator, RandomState, int or None
        One draw from it is the root of all seeds. The root and the number of the first new trial give the
        seed of each call to ``algo``, so a search continued with the same seed does not repeat points, and
        suggests the same points as an uninterrupted one.
    asynchronous : bool, optional
        Whether the trials are evaluated elsewhere: by the workers of ``MongoTrials``, or by threads or
        processes that a subclass of ``Trials`` starts. Default: ``trials.asynchronous``.
    max_queue_len : int
        Trials in the queue, at least 1; on a fleet the queue is longer if the workers need it.
    poll_interval_secs : float
        Seconds between two polls of asynchronous trials without a fleet.
    max_evals : int
        Number of trials in total, including existing ones.
    timeout : float, optional
        Seconds after which no trial is started; positive.
    loss_threshold : float, optional
        No trial is started once a loss is below it.
    verbose : bool
        Whether to show progress at all.
    show_progressbar : bool or callable
        Whether to show progress, or a factory of context managers as in ``progress``.
    early_stop_fn : callable, optional
        ``early_stop_fn(trials, *args)`` returns whether to stop, and the next ``args``.
    trials_save_file : path
        File in which the trials are saved after each round; empty for none.
    """

    catch_eval_exceptions = False
    pickle_protocol = -1

    def __init__(
        self,
        algo: Callable[..., Any],
        domain: Domain,
        trials: Any,
        rstate: Any,
        asynchronous: bool | None = None,
        max_queue_len: int = 1,
        poll_interval_secs: float = 1.0,
        max_evals: int = sys.maxsize,
        timeout: float | None = None,
        loss_threshold: float | None = None,
        verbose: bool = False,
        show_progressbar: Any = True,
        early_stop_fn: Callable[..., Any] | None = None,
        trials_save_file: str = "",
    ) -> None:
        validate_timeout(timeout)
        validate_loss_threshold(loss_threshold)
        self.algo, self.domain, self.trials = algo, domain, trials
        self.rstate = rstate
        self.asynchronous = trials.asynchronous if asynchronous is None else asynchronous
        self.max_queue_len, self.poll_interval_secs = max_queue_len, poll_interval_secs
        self.max_evals, self.timeout, self.loss_threshold = max_evals, timeout, loss_threshold
        self.verbose, self.show_progressbar = verbose, show_progressbar
        self.early_stop_fn, self.early_stop_args = early_stop_fn, list[Any]()
        self.trials_save_file = trials_save_file
        self.start_time = time.monotonic()
        self._best_loss = math.inf
        self._bar: Any = None
        self._is_stopped = self._is_exhausted = False
        self._n_shown = 0
        self._idle = IdleQueue(time.monotonic)
        if self.asynchronous and not self._is_on_fleet() and not hasattr(trials, "_spark"):
            # Workers that a library starts look for the objective here.
            trials.attachments[DOMAIN_CMD[1]] = pickled(domain, what="this objective")

    @property
    def is_cancelled(self) -> bool:
        """Whether the early stopping rule or the trials object ended the search."""
        return self._is_stopped or bool(getattr(self.trials, "_fmin_cancelled", False))

    @functools.cached_property
    def seed(self) -> int:
        """The root of all seeds, drawn on first use, since a caller may also draw from ``rstate``."""
        return int(rng_from_seed(self.rstate).integers(2**63 - 1))

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self.is_cancelled or len(self.trials) >= self.max_evals:
            raise StopIteration
        self.run(1)
        return self.trials

    def exhaust(self) -> FMinIter:
        """Search until a limit is reached."""
        if self._is_on_fleet():
            self.trials.run_search(self, None)
        else:
            self.run(max(self.max_evals - len(self.trials), 0))
        self.trials.refresh()
        return self

    def run(self, N: int, block_until_done: bool = True) -> None:  # noqa: N803 - Hyperopt's name
        """Evaluate the queued trials and up to ``N`` new ones, or wait while others do.

        Parameters
        ----------
        N : int
            New trials.
        block_until_done : bool
            Whether to wait for asynchronous trials; always done on a fleet.

        Raises
        ------
        Exception
            Whatever the objective raises in this process, unless ``catch_eval_exceptions`` is set.
        """
        if self._is_on_fleet():
            self.trials.run_search(self, N)
            return
        if hasattr(self.trials, "set_space"):
            self.trials.set_space(self.domain.space)
        if hasattr(self.trials, "set_outcomes"):
            self.trials.set_outcomes(self.domain.declared)
        self.domain.pruning = self._pruning()
        self._note_best()
        self._is_exhausted = False
        limits = Budget(timeout_s=self.timeout, loss_threshold=_highest_below(self.loss_threshold))
        try:
            with self._progress(N) as self._bar:
                if not self.asynchronous:
                    self.advance()
                search(
                    self,
                    N,
                    limits,
                    elapsed_s=self._elapsed_s,
                    is_asynchronous=self.asynchronous,
                    is_waiting=self.asynchronous and block_until_done,
                )
            if self.asynchronous and block_until_done:
                self.block_until_done()
        finally:
            self._save()

    def block_until_done(self) -> None:
        """Wait until no trial is open; evaluate the queued ones if this process does that."""
        if self.asynchronous:
            while self.n_open():
                self.advance()
            self.trials.refresh()
        else:
            self.serial_evaluate()

    # The protocol of ``rounds.search``

    @property
    def is_exhausted(self) -> bool:
        """Whether the algorithm has no more points."""
        return self._is_exhausted

    def ask(self, n: int) -> int:
        """Fill the queue with up to ``n`` new trials; return how many were added."""
        n_asked = 0
        while not self.is_cancelled and not self._is_exhausted:
            left = Budget(max_evals=n - n_asked)
            n_new = n_to_suggest(left, self.max_queue_len, n_pending=self._n_in(JOB_STATE_NEW))
            if n_new == 0:
                break
            new_ids = self.trials.new_trial_ids(n_new)
            self.trials.refresh()
            ask = functools.partial(self.algo, new_ids, self.domain, self.trials)
            docs = ask_within_conditions(self.domain.space, ask, self._seed(new_ids[0]))
            self._is_exhausted = not docs
            if docs:
                self.trials.insert_trial_docs(docs)
                self.trials.refresh()
                n_asked += len(docs)
        return n_asked

    def advance(self) -> None:
        """Evaluate every queued trial, or wait for ``poll_interval_secs`` if others do."""
        if self.asynchronous:
            time.sleep(self.poll_interval_secs)
            self._idle.check(self._n_in(JOB_STATE_NEW), self._n_in(JOB_STATE_RUNNING))
        elif self._queued():
            self.serial_evaluate()

    def n_open(self) -> int:
        """Return how many trials wait or are under evaluation."""
        return self._n_in(JOB_STATE_NEW, JOB_STATE_RUNNING)

    def best_loss(self) -> float | None:
        """Return the lowest loss so far."""
        return None if math.isinf(self._best_loss) and self._best_loss > 0 else self._best_loss

    def is_stopped(self) -> bool:
        """Refresh and save the trials, and apply the early stopping rule."""
        self.trials.refresh()
        if self.asynchronous:
            self._show_finished()
        self._save()
        return self.asks_to_stop()

    def asks_to_stop(self) -> bool:
        """Apply the early stopping rule, if any; return whether the search is cancelled."""
        if self.early_stop_fn is not None:
            is_stopped, args = self.early_stop_fn(self.trials, *self.early_stop_args)
            self.early_stop_args, self._is_stopped = list(args), bool(is_stopped)
            if is_stopped:
                logger.info(
                    "the early stopping rule ends the search after %d trials",
                    len(self.trials),
                    extra=Event.EARLY_STOP.of(n_trials=len(self.trials)),
                )
        return self.is_cancelled

    def serial_evaluate(self, N: int = -1) -> None:  # noqa: N803 - Hyperopt's name
        """Evaluate the queued trials, at most ``N`` of them; all if ``N`` is negative."""
        queued = self._queued()
        for doc in queued if N < 0 else queued[:N]:
            self._evaluate(doc)
        self.trials.refresh()

    def _queued(self) -> list[Doc]:
        """Return the queued documents; also works with Hyperopt's own ``Trials``."""
        if hasattr(self.trials, "queued"):
            queued: list[Doc] = self.trials.queued()
            return queued
        docs = self.trials._dynamic_trials
        return [doc for doc in docs if doc["state"] == JOB_STATE_NEW]

    def _n_in(self, *states: int) -> int:
        """Return how many trials are in some states now."""
        n: int = self.trials.count_by_state_unsynced(states[0] if len(states) == 1 else list(states))
        return n

    def _is_on_fleet(self) -> bool:
        """Whether a coordinator leads the search, as with ``MongoTrials``."""
        return bool(self.asynchronous) and hasattr(self.trials, "run_search")

    def _elapsed_s(self) -> float:
        return time.monotonic() - self.start_time

    def _note_best(self) -> None:
        losses = (float(d["result"]["loss"]) for d in self.trials if self._may_be_best(d))
        self._best_loss = min(losses, default=math.inf)

    def _may_be_best(self, doc: Doc) -> bool:
        """Whether a trial has a loss, and keeps the limits of the search."""
        outcomes = self.domain.outcomes
        return is_ok(doc) and (outcomes is None or doc["result"].get("feasible") is not False)

    def _show_finished(self) -> None:
        """Show the trials that finished since the last call."""
        self._note_best()
        n_done = self._n_in(JOB_STATE_DONE)
        if not math.isinf(self._best_loss):
            self._bar.postfix = best_loss_text(self._best_loss)
        if n_done > self._n_shown:
            self._bar.update(n_done - self._n_shown)
        self._n_shown = n_done

    def _evaluate(self, doc: Doc) -> None:
        """Evaluate one trial and write the result into its document."""
        doc["state"] = JOB_STATE_RUNNING
        doc["book_time"] = doc["refresh_time"] = coarse_utcnow()
        try:
            values = raw_point(self.domain.space, spec_from_misc(doc["misc"]))
            self._note_values(doc, values)
            ctrl = Ctrl(self.trials, current_trial=doc)
            trial = current_trial_of(doc, values, ctrl)
            if self.domain.pruning is not None:
                self.domain.pruning.follow(trial)
            with under_evaluation(trial):
                doc["result"] = self.domain.evaluate(values, ctrl)
            doc["state"] = JOB_STATE_DONE
        except Pruned as end:
            pruning, reason = self.domain.pruning, str(end)
            doc["result"] = pruned_result(reason) if pruning is None else pruning.result(reason)
            doc["state"] = JOB_STATE_DONE
        except Exception as error:
            doc["state"] = JOB_STATE_ERROR
            doc["misc"]["error"] = (str(type(error)), str(error))
            logger.error(  # noqa: TRY400 - the caller sees the traceback
                "trial %s raised %s: %s",
                doc["tid"],
                type(error).__name__,
                error,
                extra=Event.EVALUATION_FAILED.of(tid=doc["tid"], error=type(error).__name__),
            )
            if not self.catch_eval_exceptions:
                self.trials.refresh()
                raise
        except BaseException:  # interrupted by the user: the next fmin evaluates the point
            doc["state"] = JOB_STATE_NEW
            raise
        finally:
            doc["refresh_time"] = coarse_utcnow()
        if self.domain.pruning is not None:
            self.domain.pruning.learn(doc)
        if self._may_be_best(doc):
            self._best_loss = min(self._best_loss, float(doc["result"]["loss"]))
        if self._bar is not None:
            if not math.isinf(self._best_loss):
                self._bar.postfix = best_loss_text(self._best_loss)
            self._bar.update(1)

    def _pruning(self) -> LocalPruning | None:
        """Return what was learned from reports: the same for all calls of ``fmin`` with these trials."""
        pruner = self.domain.pruner
        if not pruner.is_on:
            return None
        if self.asynchronous:
            raise ConfigurationError("A pruner works with Trials and MongoTrials; leave it out here.")
        known = getattr(self.trials, "pruning", None)
        if known is None or known.pruner != pruner:
            self.trials.pruning = known = LocalPruning(pruner)
        return known

    def _note_values(self, doc: Doc, values: dict[str, Any]) -> None:
        """Replace options that a user gave instead of their indexes."""
        vals, idxs = doc["misc"]["vals"], doc["misc"]["idxs"]
        for label, value in values.items():
            if not len(vals.get(label, ())) or vals[label][0] is not value:
                vals[label], idxs[label] = [value], [doc["tid"]]

    def _seed(self, first_id: Any) -> int:
        """Return the seed of the call to ``algo`` that suggests a trial."""
        number = first_id if isinstance(first_id, int) else len(self.trials)
        return int(trial_rng(self.seed, number).integers(MAX_SEED))

    def _progress(self, n_new: int) -> AbstractContextManager[Any]:
        self._n_shown = self._n_in(JOB_STATE_DONE)
        n_known = len(self.trials)
        n_total = min(n_known + n_new, sys.maxsize)
        return progress_bar(self.show_progressbar, verbose=self.verbose, n_known=n_known, n_total=n_total)

    def _save(self) -> None:
        if self.trials_save_file:
            save_trials(self.trials, self.trials_save_file, self.pickle_protocol)


def _highest_below(threshold: float | None) -> float | None:
    """Return Hyperopt's threshold, which a loss must be below, as one that it must not exceed."""
    return None if threshold is None else math.nextafter(threshold, -math.inf)
