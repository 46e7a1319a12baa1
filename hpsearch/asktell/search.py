"""A search that is open for asking and telling."""

from __future__ import annotations

import math
import os
import platform
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Self
from uuid import uuid4

import numpy as np

import hpsearch
from hpsearch.asktell.asked_trial import AskedTrial
from hpsearch.asktell.asker import Asker, NoTrial
from hpsearch.coordination.added_trials import ENQUEUED, add_finished_trial, add_trials
from hpsearch.core.experiment import Experiment, ExperimentState
from hpsearch.core.standing import Front
from hpsearch.core.trial import State, Trial
from hpsearch.core.worker import Worker, WorkerState
from hpsearch.errors import (
    ConfigurationError,
    LeaseLostError,
    NotFoundError,
    NoTrialError,
    ResultError,
    SpaceError,
)
from hpsearch.objective.current_trial import typed
from hpsearch.objective.evaluation import read_result
from hpsearch.report.progress_reading import full_trials, read_standing
from hpsearch.runtime.escaping import named
from hpsearch.space.points import point_of
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialStore
from hpsearch_worker.heartbeat import Heartbeat
from hpsearch_worker.trial_counts import Outcome, Tally

#: Seconds for which the registry keeps a process that has closed its search.
_LEFT_TTL_S = 60.0


class Search:
    """One search whose trials the caller evaluates; ``hpsearch.open`` returns it.

    It is a context manager, which closes it, and an iterator over the trials until the search ends. Many
    processes may ask one search at the same time, beside workers.

    Parameters
    ----------
    store : TrialStore
        Holds the experiment.
    experiment : Experiment
        As the store returned it.
    space : Space
        Its space.
    on_close : callable
        Called at the end of ``close``.
    """

    def __init__(
        self,
        store: TrialStore,
        experiment: Experiment,
        space: Space,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self.space = space  #: the search space
        self._store, self._on_close = store, on_close
        me = Worker(
            name=f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:4]}",
            host=socket.gethostname(),
            pid=os.getpid(),
            exp_keys=(experiment.exp_key,),
            versions={"python": platform.python_version(), "hpsearch": hpsearch.__version__},
        )
        self._tally = Tally(me)
        self._heartbeat = Heartbeat(store, self._tally.worker)
        self._heartbeat.start()
        self._asker = Asker(store, experiment, space, self._tally.worker)
        self._held: dict[int, AskedTrial] = {}
        self._is_open = True

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.exp_key}>"

    @property
    def exp_key(self) -> str:
        """Name of the search."""
        return self._asker.experiment.exp_key

    @property
    def state(self) -> ExperimentState:
        """The state of the search in the store."""
        return self._store.experiment(self.exp_key).state

    @property
    def best(self) -> Trial | None:
        """The finished trial with the lowest loss, or the knee of the front; None if there is none."""
        if self._asker.experiment.has_several_objectives:
            found = self._read_front().knee
            return None if found is None else self._store.trial(self.exp_key, found.tid)
        return next(iter(self._store.trials(self.exp_key, sort="loss", limit=1)), None)

    @property
    def front(self) -> list[Trial]:
        """The trials that no other one beats in all objectives, by the first objective; all keep the limits.

        Raises
        ------
        ConfigurationError
            If the search has one objective.
        """
        return full_trials(self._store, self._read_front().trials)

    def _read_front(self) -> Front:
        standing = read_standing(self._store, self._asker.experiment)
        if standing is None or standing.front is None:
            raise ConfigurationError(f"{self.exp_key} has one objective, so there is no front; see best.")
        return standing.front

    def trials(self) -> Iterator[Trial]:
        """Yield all trials of the search, by number."""
        return self._store.trials(self.exp_key)

    def ask(self, *, timeout: float | None = None) -> AskedTrial | None:
        """Claim the next trial; None once the search has ended.

        A coordinator suggests it. Where none leads the search, this process leads for the moment.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait while the search is paused, or while other processes hold all trials that the
            budget allows; by default without a limit.

        Raises
        ------
        NoTrialError
            If there was none within the time, or this process itself holds all that are left.
        NotFoundError
            If the search was deleted.
        """
        until = math.inf if timeout is None else time.monotonic() + timeout
        found = self._asker.ask(until, len(self._held))
        if isinstance(found, Trial):
            self._tally.begin()
            config, experiment = self.space.config(found.values), self._asker.experiment
            asked = AskedTrial(
                found,
                config,
                self._store,
                self._heartbeat,
                self._ended,
                experiment.goal,
                experiment.outcomes,
            )
            self._held[asked.tid] = asked
            return asked
        if found.is_over:
            return None
        if found is NoTrial.PAUSED:
            raise NoTrialError(f"{self.exp_key} is paused; go on with: hpsearch resume {self.exp_key}")
        raise NoTrialError(
            f"All open trials of {self.exp_key} are running, {len(self._held)} of them here; "
            "tell their results first."
        )

    def __iter__(self) -> Iterator[AskedTrial]:
        while (trial := self.ask()) is not None:
            yield trial

    def enqueue(self, params: Mapping[str, Any]) -> Trial:
        """Add a trial with chosen parameters, which is asked for before suggested ones.

        Parameters
        ----------
        params : mapping
            Parameters by label, an option of a choice by its value or name; those that are missing are drawn
            at random.

        Raises
        ------
        SpaceError
            If a label is unknown or not active, or a value is not possible.
        """
        values = point_of(self.space, params, np.random.default_rng())
        [added] = add_trials(self._store, self._asker.experiment, self.space, [values], ENQUEUED)
        return added

    def add(self, params: Mapping[str, Any], loss: float | Mapping[str, Any]) -> Trial:
        """Add a trial that was evaluated elsewhere; suggestions learn from it, and it counts.

        Parameters
        ----------
        params : mapping
            All active parameters by label, as for ``enqueue``.
        loss : float or mapping
            Its loss, not NaN; or its result with the declared objectives and limits, as for ``tell``.

        Raises
        ------
        SpaceError
            If a parameter is missing, or as for ``enqueue``.
        ResultError
            If the loss is no number.
        """
        experiment = self._asker.experiment
        result = read_result(loss, experiment.goal, experiment.outcomes)
        is_plain = experiment.outcomes is None and experiment.goal.is_loss
        if is_plain and (isinstance(loss, Mapping) or result.state is not State.DONE):
            raise ResultError(f"The loss of an added trial must be a number, not {typed(loss)}.")
        if result.state is not State.DONE:
            raise ResultError(result.error.message if result.error else "The added trial has no loss.")
        values = point_of(self.space, params, np.random.default_rng())
        if missing := sorted(values.keys() - params.keys()):
            raise SpaceError(f"The parameter {named(missing[0])} of the added trial is missing.")
        return add_finished_trial(self._store, experiment, self.space, values, result)

    def close(self) -> None:
        """Give back the trials that are held, and end the search if its budget is spent."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            for asked in list(self._held.values()):
                with suppress(LeaseLostError):
                    asked.give_back("the asking process closed its search")
            with suppress(NotFoundError, ConfigurationError):
                self._asker.end_if_over()
        finally:
            self._heartbeat.stop(replace(self._tally.worker(), state=WorkerState.STOPPED), _LEFT_TTL_S)
            self._on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _ended(self, asked: AskedTrial, outcome: Outcome) -> None:
        del self._held[asked.tid]
        self._tally.end(outcome)
