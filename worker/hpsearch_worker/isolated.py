"""Evaluates in a process of its own, so that nothing an objective does can harm the worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from multiprocessing.connection import wait
from types import MappingProxyType
from typing import Any

from hpsearch.core.experiment import Code, Experiment
from hpsearch.core.trial import Failure, FailureKind, Result, Trial
from hpsearch.errors import LoadError
from hpsearch.objective.process_reports import VARIABLE, Evaluation
from hpsearch_worker.allowed import Allowed
from hpsearch_worker.channel import Channel
from hpsearch_worker.evaluator import Stop, StoppedError, Watch, timed_out
from hpsearch_worker.messages import Evaluate, Load, ObjectiveEvent, OnEvent, Ready
from hpsearch_worker.objective_cache import ObjectiveSource, no_signed_objective
from hpsearch_worker.output import Output
from hpsearch_worker.process_channels import ProcessChannels

#: Seconds between two looks at the watch while an evaluation runs.
_LOOK_S = 0.2

#: Seconds between asking a child to end and ending it.
_TERM_GRACE_S = 5.0

#: Seconds that a child has to end after it closed its line.
_EXIT_GRACE_S = 1.0

#: Processes that a signal may end while they load an experiment, before it is refused.
_LOADS = 3

_HUNG_UP = (
    "The evaluating process closed its line to the worker, or its files altogether, or wrote bytes of its "
    "own into the line, and went on."
)


class _ChildEndedError(Exception):
    """The child process ended before it answered."""


class _TimedOutError(StoppedError):
    """The child was stopped since it took too long."""

    def __init__(self, log_tail: str | None) -> None:
        super().__init__(Stop.TIMEOUT)
        self.log_tail = log_tail


class IsolatedEvaluator:
    """Keeps one warm child process; a new one replaces it when it dies or must be stopped.

    Parameters
    ----------
    echo : bool
        Whether to pass the objective's output on to this process's stderr.
    workdir : str, optional
        Absolute path of the folder in which each evaluation begins.
    environment : mapping
        Variables of the evaluating process besides those of this one.
    objectives : callable
        Returns an experiment's objective, if that comes by value; see ``Letters``.
    allowed : Allowed, optional
        What the process may import and call; everything by default.
    """

    def __init__(
        self,
        *,
        echo: bool,
        workdir: str | None = None,
        environment: Mapping[str, str] = MappingProxyType({}),
        objectives: ObjectiveSource = no_signed_objective,
        allowed: Allowed | None = None,
    ) -> None:
        self._echo = echo
        self._workdir = workdir
        self._environment = environment
        self._objectives = objectives
        self._allowed = allowed
        self._child: _Child | None = None
        self._prepared: set[Code] = set()

    def prepare(self, experiment: Experiment, watch: Watch) -> None:
        """Load an experiment in the child; see ``Evaluator``."""
        for n_left in reversed(range(_LOADS)):
            child = self._living_child()
            if experiment.code in self._prepared:
                return
            request = Load.of(experiment, self._workdir, self._objectives(experiment), self._allowed)
            child.output.begin(experiment.exp_key)
            try:
                answer = self._ask(child, request, watch, _no_words)
            except _ChildEndedError:
                failure = self._end(child)
                # A signal may be anybody's, such as the kernel's when memory runs out; what the code itself
                # does, it does each time.
                if failure.signal is None or n_left == 0:
                    raise LoadError(_died_loading(experiment, failure)) from None
                continue
            assert isinstance(answer, Ready)
            if answer.problem is not None:
                raise LoadError(answer.problem)
            self._prepared.add(experiment.code)
            return

    def evaluate(self, trial: Trial, experiment: Experiment, watch: Watch, on_event: OnEvent) -> Result:
        """Evaluate in the child; see ``Evaluator``."""
        started = time.perf_counter()
        try:
            self.prepare(experiment, watch)
            child = self._living_child()
            child.output.begin(trial.id)
            return self._evaluate(child, Evaluate.of(trial), watch, on_event)
        except _TimedOutError as stopped:
            return timed_out(time.perf_counter() - started, stopped.log_tail)

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._end(self._child)

    def _evaluate(self, child: _Child, request: Evaluate, watch: Watch, on_event: OnEvent) -> Result:
        started = time.perf_counter()
        try:
            result = self._ask(child, request, watch, on_event)
        except _ChildEndedError:
            return Result(loss=None, error=self._end(child), duration_s=time.perf_counter() - started)
        assert isinstance(result, Result)
        return child.output.attached_to(result)

    def _ask(self, child: _Child, request: Load | Evaluate, watch: Watch, on_event: OnEvent) -> Any:
        """Send a request and wait for its answer, passing on what the objective says and prints meanwhile."""
        child.send(request)
        while True:
            message = child.receive(_LOOK_S)
            # After it was received: whatever came before the answer counts.
            for word in child.words_of_others():
                if isinstance(word, ObjectiveEvent):
                    on_event(word)
            if isinstance(message, ObjectiveEvent):
                on_event(message)
            elif message is not None:
                child.hang_up_on_others()
                return message
            if (why := watch()) is not None:
                failure = self._end(child)
                raise _TimedOutError(failure.log_tail) if why is Stop.TIMEOUT else StoppedError(why)

    def _living_child(self) -> _Child:
        if self._child is None or not self._child.is_alive():
            self.close()
            self._child = _Child(Output(echo=self._echo), self._environment)
            self._prepared = set()
        return self._child

    def _end(self, child: _Child) -> Failure:
        self._child = None
        return child.end()


class _Child:
    """The process, the line to it, and its output."""

    def __init__(self, output: Output, environment: Mapping[str, str]) -> None:
        self._line, theirs = Channel.pair()
        self._others = ProcessChannels()
        self._n_asked = 0  # the number of the last request
        self.output = output
        # Without this folder in front of the library's own; the objective's are appended.
        command = [
            sys.executable,
            "-P",
            "-m",
            "hpsearch_worker.child",
            str(theirs.fileno()),
            str(os.getpid()),
        ]
        # A session of its own: a terminal's Ctrl-C reaches the worker alone, and the whole
        # group, with whatever the objective started, can be ended at once.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output.write_fd,
            stderr=output.write_fd,
            env={**os.environ, **environment, VARIABLE: Evaluation(address=self._others.address).to_text()},
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        output.close_write_end()

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def send(self, request: Load | Evaluate) -> None:
        self._n_asked += 1
        try:
            self._line.send((self._n_asked, request))
        except OSError:
            raise self._ended() from None

    def receive(self, timeout_s: float) -> Any:
        """Return the next message, or None after the timeout; takes in output meanwhile."""
        # Before waiting: a process that is dead by now has said all that it will say.
        is_dead = not self.is_alive()
        sources = [self._line.fileno(), *self._others.sources()]
        if self.output.is_open:
            sources.append(self.output.read_fd)
        ready = wait(sources, 0 if is_dead else timeout_s)
        self.output.read()
        if self._line.fileno() in ready:
            return self._next_message()
        if is_dead:
            raise _ChildEndedError
        return None

    def words_of_others(self) -> Iterator[Any]:
        """Yield what processes that the objective started have said of the trial until now."""
        yield from self._others.words(self._n_asked)

    def hang_up_on_others(self) -> None:
        """Listen no more to what belongs to the last request."""
        self._others.hang_up()

    def _next_message(self) -> Any:
        try:
            numbered = self._line.receive(waiting=False)
        except Exception:  # noqa: BLE001 - an end, or bytes of the objective's own: unpickling raises anything
            raise self._ended() from None
        if numbered is None:
            return None
        number, message = numbered
        # What an objective left running may still speak in answer to an earlier request.
        return message if number == self._n_asked else None

    def _ended(self) -> _ChildEndedError:
        # A broken line means that it is about to end, and its exit code will say why; or it only hung up.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_GRACE_S)
        return _ChildEndedError()

    def end(self) -> Failure:
        """Ask the process to end, then make it; return why it ended as a failure."""
        is_alive = self.is_alive()
        if is_alive:
            self._signal_group(signal.SIGTERM)
            self._wait_or_kill()
        self._signal_group(signal.SIGKILL)  # whatever the objective left behind
        self._process.wait()
        self._line.close()
        self._others.close()
        self.output.read()
        self.output.close()
        if is_alive:
            return Failure(kind=FailureKind.EXIT, message=_HUNG_UP, log_tail=self.output.tail())
        return _failure(self._process.returncode, self.output.tail())

    def _wait_or_kill(self) -> None:
        deadline = time.monotonic() + _TERM_GRACE_S
        while self.is_alive() and time.monotonic() < deadline:
            time.sleep(0.02)
            self.output.read()  # a full pipe would keep the process from ending
        self._signal_group(signal.SIGKILL)

    def _signal_group(self, signum: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, signum)
        except (ProcessLookupError, PermissionError):
            return  # all gone


def _failure(returncode: int, tail: str | None) -> Failure:
    if returncode >= 0:
        message = f"The objective ended its process with exit code {returncode}."
        return Failure(kind=FailureKind.EXIT, message=message, exit_code=returncode, log_tail=tail)
    name = signal.Signals(-returncode).name if -returncode in set(signal.Signals) else f"signal {-returncode}"
    hint = {"SIGKILL": " (often: out of memory)", "SIGSEGV": " (a crash in compiled code)"}.get(name, "")
    message = f"The evaluating process was killed by {name}{hint}."
    return Failure(kind=FailureKind.SIGNAL, message=message, signal=name, log_tail=tail)


def _died_loading(experiment: Experiment, failure: Failure) -> str:
    last_words = (failure.log_tail or "").strip().rsplit("\n", 1)[-1]
    reason = last_words or failure.message
    return f"The process died while it loaded {experiment.objective.ref}: {reason}"


def _no_words(word: ObjectiveEvent) -> None:
    """Nobody listens while an objective is loaded."""
