"""Evaluates in the worker's own process: least overhead, no protection.

An objective that crashes takes the worker with it; its trial runs again when the lease expires. Only the
main thread can be interrupted, by a timer signal, so there is one slot, and an objective that uses SIGALRM
itself needs the isolated evaluator.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from types import FrameType
from typing import Any

from hpsearch.core.experiment import COMMAND, Code, Experiment, Identity
from hpsearch.core.trial import Result, Trial
from hpsearch.errors import LoadError
from hpsearch.objective.checkpoint import Question, SaveCheckpoint
from hpsearch.objective.current_trial import Attachment
from hpsearch.objective.process_reports import UndeliveredError
from hpsearch.runtime.logs import preserve_own_log, set_disabled
from hpsearch.runtime.user_code import preserve_signal_handlers
from hpsearch_worker.evaluator import StopCheck, StoppedError, StopReason, timed_out
from hpsearch_worker.messages import (
    Evaluate,
    Load,
    Loaded,
    ObjectiveEvent,
    OnEvent,
    OpenQuestion,
)
from hpsearch_worker.process_env import change_folder, evaluation_in_environ, working_folder

#: Seconds between two stop checks while an evaluation runs.
_CHECK_S = 0.2


class _InterruptionError(BaseException):
    """Raised into the objective; no ``Exception``, so that the objective does not catch it."""

    def __init__(self, why: StopReason) -> None:
        super().__init__(why)
        self.why = why


class InlineEvaluator:
    """Calls the objective in this process.

    Parameters
    ----------
    load : callable
        Returns the request to load an experiment; ``Load.of``, perhaps with options.
    """

    def __init__(self, load: Callable[[Experiment], Load] = Load.of) -> None:
        self._load = load
        self._home: str | None = None  # the folder of this process before its first evaluation
        self._loaded: dict[Code, Loaded] = {}
        self._codes: dict[Identity, Code] = {}  # what was loaded first; imported modules cannot be replaced
        self._disabled = 0  # the level up to which the objective disabled logging

    def prepare(self, experiment: Experiment, should_stop: StopCheck) -> None:
        """Load an experiment in this process; see ``Evaluator``."""
        if experiment.code not in self._loaded:
            self._check_loadable(experiment)
            self._home = self._home or working_folder()
            change_folder(self._home)  # the last trial may have changed it
            request = self._load(experiment)
            with self._worker_state_kept():
                self._loaded[experiment.code] = request.load_here()
            self._codes[experiment.identity] = experiment.code

    def evaluate(
        self, trial: Trial, experiment: Experiment, should_stop: StopCheck, on_event: OnEvent
    ) -> Result:
        """Call the objective; see ``Evaluator``."""
        self.prepare(experiment, should_stop)
        loaded = self._loaded[experiment.code]
        request = Evaluate.of(trial, experiment.pruner)
        process, started = os.getpid(), time.perf_counter()
        receive = _only_in(process, on_event)
        current = request.current_trial(receive, partial(_ask, receive))
        try:
            with (
                self._worker_state_kept(),
                evaluation_in_environ(request.evaluation()),
                _interrupted_by(should_stop),
            ):
                result = loaded.evaluate(trial.values, current, passes=(_InterruptionError,))
        except _InterruptionError as interruption:
            _disarm()  # the exception may have left the block before its own clean-up
            if interruption.why is StopReason.TIMEOUT:
                return timed_out(time.perf_counter() - started)
            raise StoppedError(interruption.why) from None
        if os.getpid() != process:
            os._exit(0)  # the objective forked, and the fork returned from it, too
        return result

    def close(self) -> None:
        """Forget what was loaded."""
        self._loaded.clear()

    def _check_loadable(self, experiment: Experiment) -> None:
        """Refuse a command, and code that has changed: this process has imported the old version."""
        if experiment.objective.kind == COMMAND:
            raise LoadError("A command is run by a process of its own: leave out --no-isolate.")
        if self._codes.get(experiment.identity, experiment.code) != experiment.code:
            raise LoadError(
                f"The objective of {experiment.exp_key!r} has changed since this worker imported it; "
                "restart the worker, or run it without --no-isolate."
            )

    @contextmanager
    def _worker_state_kept(self) -> Iterator[None]:
        """Let the objective set up logging and signals, and restore the worker's afterwards."""
        manager = logging.root.manager
        with preserve_signal_handlers(), preserve_own_log():
            own = manager.disable
            set_disabled(self._disabled)
            try:
                yield
            finally:
                self._disabled = manager.disable
                set_disabled(own)


def _only_in(process: int, on_event: OnEvent) -> OnEvent:
    """Return a receiver that refuses events in a fork, and copies bytes that the objective may change."""

    def receive(event: ObjectiveEvent) -> None:
        if os.getpid() != process:
            raise UndeliveredError  # the memory of a fork is not this worker's
        if isinstance(event, Attachment) and not isinstance(event.data, bytes):
            event = Attachment(event.name, bytes(event.data))
        on_event(event)

    return receive


def _ask(receive: OnEvent, question: Question, timeout_s: float | None) -> Any:
    """Return the answer to a question, None if there is none in time."""
    if isinstance(question, SaveCheckpoint) and question.data is not None:
        question = replace(question, data=bytes(question.data))  # the objective may change it after a timeout
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    receive(OpenQuestion(question, answers.put))
    with suppress(queue.Empty):
        return answers.get(timeout=timeout_s)
    return None


@contextmanager
def _interrupted_by(should_stop: StopCheck) -> Iterator[None]:
    """Call the stop check from a timer signal, and raise from there."""

    def check(signum: int, frame: FrameType | None) -> None:
        if (why := should_stop()) is not None:
            raise _InterruptionError(why)

    previous = signal.signal(signal.SIGALRM, check)
    signal.setitimer(signal.ITIMER_REAL, _CHECK_S, _CHECK_S)
    try:
        yield
    finally:
        _disarm()
        signal.signal(signal.SIGALRM, previous)


def _disarm() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
