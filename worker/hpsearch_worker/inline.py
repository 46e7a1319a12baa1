"""Evaluates in the worker's own process: the least overhead, and no protection.

An objective that crashes takes the worker with it; its trial is run again when the
lease expires. Only the main thread can be interrupted, by a timer signal, so there is
one slot, and an objective that uses SIGALRM itself needs a process of its own.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hpsearch.core.experiment import Code, Experiment, Identity
from hpsearch.core.trial import Result, Trial
from hpsearch.errors import LoadError
from hpsearch.objective.evaluation import Attachment
from hpsearch.objective.process_reports import UnheardError
from hpsearch.runtime.logs import preserve_own_log
from hpsearch.runtime.user_code import preserve_signal_handlers
from hpsearch_worker.allowed import Allowed
from hpsearch_worker.evaluator import Stop, StoppedError, Watch, timed_out
from hpsearch_worker.messages import Evaluate, Load, Loaded, ObjectiveEvent, OnEvent
from hpsearch_worker.objective_cache import ObjectiveSource, no_signed_objective
from hpsearch_worker.process_env import described, go_to, working_folder

#: Seconds between two looks at the watch while an evaluation runs.
_LOOK_S = 0.2


class _InterruptionError(BaseException):
    """Raised into the objective, past its ``except Exception``."""

    def __init__(self, why: Stop) -> None:
        super().__init__(why)
        self.why = why


class InlineEvaluator:
    """Calls the objective right here.

    Parameters
    ----------
    workdir : str, optional
        Absolute path of the folder in which each evaluation begins.
    objectives : callable
        Returns an experiment's objective, if that comes by value; see ``Letters``.
    allowed : Allowed, optional
        What may be imported and called; everything by default.
    """

    def __init__(
        self,
        *,
        workdir: str | None = None,
        objectives: ObjectiveSource = no_signed_objective,
        allowed: Allowed | None = None,
    ) -> None:
        self._workdir = workdir
        self._home: str | None = None  # where this process was before it evaluated anything
        self._objectives = objectives
        self._allowed = allowed
        self._loaded: dict[Code, Loaded] = {}
        self._codes: dict[Identity, Code] = {}  # what was loaded first; modules stay as they were imported
        self._disabled = 0  # the level up to which the objective disabled logging

    def prepare(self, experiment: Experiment, watch: Watch) -> None:
        """Load an experiment in this process; see ``Evaluator``."""
        if experiment.code not in self._loaded:
            self._check_loadable(experiment)
            self._home = self._home or working_folder()
            go_to(self._home)  # the last trial began, or ended, in another folder
            request = Load.of(experiment, self._workdir, self._objectives(experiment), self._allowed)
            with self._worker_kept():
                self._loaded[experiment.code] = request.carry_out()
            self._codes[experiment.identity] = experiment.code

    def evaluate(self, trial: Trial, experiment: Experiment, watch: Watch, on_event: OnEvent) -> Result:
        """Call the objective; see ``Evaluator``."""
        self.prepare(experiment, watch)
        loaded = self._loaded[experiment.code]
        request = Evaluate.of(trial)
        process, started = os.getpid(), time.perf_counter()
        current = request.current_trial(_in_process(process, on_event))
        try:
            with self._worker_kept(), described(request.evaluation()), _interrupted_by(watch):
                result = loaded.evaluate(trial.values, current, passes=(_InterruptionError,))
        except _InterruptionError as interruption:
            _disarm()  # on the way out of the block, it may have kept the block from doing so
            if interruption.why is Stop.TIMEOUT:
                return timed_out(time.perf_counter() - started)
            raise StoppedError(interruption.why) from None
        if os.getpid() != process:
            os._exit(0)  # a fork that the objective made, and that came back from it as well
        return result

    def close(self) -> None:
        """Forget what was loaded."""
        self._loaded.clear()

    def _check_loadable(self, experiment: Experiment) -> None:
        """Refuse an experiment whose code was changed: this process has imported the former."""
        if self._codes.get(experiment.identity, experiment.code) != experiment.code:
            raise LoadError(
                f"The objective of {experiment.exp_key!r} was changed since this worker imported it; "
                "start the worker again, or without --no-isolate."
            )

    @contextmanager
    def _worker_kept(self) -> Iterator[None]:
        """Let the objective set up logging and signals, and the worker go on as before."""
        manager = logging.root.manager
        with preserve_signal_handlers(), preserve_own_log():
            own, manager.disable = manager.disable, self._disabled
            try:
                yield
            finally:
                self._disabled, manager.disable = manager.disable, own


def _in_process(process: int, on_event: OnEvent) -> OnEvent:
    """Return what hears an objective in one process, and keeps bytes that it may still change."""

    def hear_there(word: ObjectiveEvent) -> None:
        if os.getpid() != process:
            raise UnheardError  # a fork: what it puts into its memory is not in ours
        if isinstance(word, Attachment) and not isinstance(word.data, bytes):
            word = Attachment(word.name, bytes(word.data))
        on_event(word)

    return hear_there


@contextmanager
def _interrupted_by(watch: Watch) -> Iterator[None]:
    """Look at the watch from a timer signal, and raise from there when it says stop."""

    def look(signum: int, frame: FrameType | None) -> None:
        if (why := watch()) is not None:
            raise _InterruptionError(why)

    previous = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_S, _LOOK_S)
    try:
        yield
    finally:
        _disarm()
        signal.signal(signal.SIGALRM, previous)


def _disarm() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
