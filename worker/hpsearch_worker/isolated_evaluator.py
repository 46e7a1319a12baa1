"""Evaluates in a separate process, so that nothing an objective does can harm the worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from multiprocessing.connection import wait
from types import MappingProxyType
from typing import Any

from hpsearch.core.experiment import Code, Experiment
from hpsearch.core.trial import Failure, FailureKind, Result, Trial
from hpsearch.errors import LoadError
from hpsearch.objective.process_reports import EVALUATION_VARIABLE, Asked, Evaluation
from hpsearch_worker.channel import Channel
from hpsearch_worker.evaluator import StopCheck, StoppedError, StopReason, timed_out
from hpsearch_worker.messages import (
    Evaluate,
    Load,
    ObjectiveEvent,
    OnEvent,
    OpenQuestion,
    Printed,
    Ready,
)
from hpsearch_worker.output import Output
from hpsearch_worker.process_channels import ProcessChannels

#: Seconds between two stop checks while an evaluation runs.
_CHECK_S = 0.2

#: Seconds between two events about new output.
_PRINTED_EVERY_S = 1.0

#: Seconds that a child has to exit after it closed its channel.
_EXIT_GRACE_S = 1.0

#: Attempts to load an experiment whose process is ended by a signal, before it is refused.
_MAX_LOADS = 3

_CHANNEL_BROKEN = (
    "The evaluating process went on after it closed its channel to the worker, or all its files, or wrote "
    "bytes of its own into the channel."
)


class _ChildEndedError(Exception):
    """The child process ended before it answered."""


class _TimedOutError(StoppedError):
    """The child was stopped because it took too long."""

    def __init__(self, log_tail: str | None) -> None:
        super().__init__(StopReason.TIMEOUT)
        self.log_tail = log_tail


class IsolatedEvaluator:
    """Keeps one child process with the loaded experiments; replaces it when it dies or must be stopped.

    Parameters
    ----------
    echo : bool
        Whether to pass the objective's output on to this process's stderr.
    load : callable
        Returns the request to load an experiment; ``Load.of``, perhaps with options.
    environment : mapping
        Environment variables of the child in addition to those of this process.
    term_grace_s : float
        Seconds between SIGTERM and SIGKILL.
    """

    def __init__(
        self,
        *,
        echo: bool,
        load: Callable[[Experiment], Load] = Load.of,
        environment: Mapping[str, str] = MappingProxyType({}),
        term_grace_s: float = 5.0,
    ) -> None:
        self._echo = echo
        self._load = load
        self._environment = environment
        self._term_grace_s = term_grace_s
        self._child: ChildProcess | None = None
        self._prepared: set[Code] = set()

    def prepare(self, experiment: Experiment, should_stop: StopCheck) -> None:
        """Load an experiment in the child; see ``Evaluator``."""
        for n_left in reversed(range(_MAX_LOADS)):
            child = self._living_child()
            if experiment.code in self._prepared:
                return
            request = self._load(experiment)
            child.output.begin(experiment.exp_key)
            try:
                answer = self._ask(child, request, should_stop, _ignore)
            except _ChildEndedError:
                failure = self._end(child)
                # A signal may come from outside, such as the kernel's when memory runs out. An exit comes
                # from the code, which would exit again.
                if failure.signal is None or n_left == 0:
                    raise LoadError(_died_loading(experiment, failure)) from None
                continue
            assert isinstance(answer, Ready)
            if answer.problem is not None:
                raise LoadError(answer.problem)
            self._prepared.add(experiment.code)
            return

    def evaluate(
        self, trial: Trial, experiment: Experiment, should_stop: StopCheck, on_event: OnEvent
    ) -> Result:
        """Evaluate in the child; see ``Evaluator``."""
        started = time.perf_counter()
        try:
            self.prepare(experiment, should_stop)
            child = self._living_child()
            child.output.begin(trial.id)
            result = self._ask(child, Evaluate.of(trial, experiment.pruner), should_stop, on_event)
        except _TimedOutError as stopped:
            return timed_out(time.perf_counter() - started, stopped.log_tail)
        except _ChildEndedError:
            return Result(loss=None, error=self._end(child), duration_s=time.perf_counter() - started)
        assert isinstance(result, Result)
        result = child.output.attached_to(result)
        if result.error is None and child.output.n_bytes:
            on_event(Printed(child.output.end()))
        return result

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._end(self._child)

    def _ask(
        self, child: ChildProcess, request: Load | Evaluate, should_stop: StopCheck, on_event: OnEvent
    ) -> Any:
        """Send a request and return its answer; pass on events and output until it comes."""
        child.send(request)
        n_passed, pass_at = 0, time.monotonic() + _PRINTED_EVERY_S
        while True:
            message = child.receive(_CHECK_S)
            if child.output.n_bytes != n_passed and time.monotonic() >= pass_at:
                on_event(Printed(child.output.end()))
                n_passed, pass_at = child.output.n_bytes, time.monotonic() + _PRINTED_EVERY_S
            # Read after the message: every event that was sent before the answer counts.
            for event in child.process_events():
                if isinstance(event, ObjectiveEvent):
                    on_event(event)
            if isinstance(message, Asked):
                on_event(OpenQuestion(message.question, child.answer_to(message)))
            elif isinstance(message, ObjectiveEvent):
                on_event(message)
            elif message is not None:
                child.disconnect_processes()
                return message
            if (why := should_stop()) is not None:
                failure = self._end(child)
                raise _TimedOutError(failure.log_tail) if why is StopReason.TIMEOUT else StoppedError(why)

    def _living_child(self) -> ChildProcess:
        if self._child is None or not self._child.is_alive():
            self.close()
            self._child = ChildProcess(Output(echo=self._echo), self._environment)
            self._prepared = set()
        return self._child

    def _end(self, child: ChildProcess) -> Failure:
        self._child = None
        return child.end(self._term_grace_s)


class ChildProcess:
    """The evaluating process, the channel to it, and its output.

    Parameters
    ----------
    output : Output
        Receives what the process prints.
    environment : mapping
        Environment variables in addition to those of this process.
    """

    def __init__(self, output: Output, environment: Mapping[str, str]) -> None:
        self._channel, theirs = Channel.pair()
        self._answers, their_answers = Channel.pair()
        self._processes = ProcessChannels()
        self._n_asked = 0  # number of the last request
        self.output = output
        # -P keeps the current folder from the front of the path; the objective's folders are appended.
        command = [
            sys.executable,
            "-P",
            "-m",
            "hpsearch_worker.child",
            str(theirs.fileno()),
            str(their_answers.fileno()),
            str(os.getpid()),
        ]
        # In a new session, Ctrl-C on a terminal reaches only the worker, and the process group, which
        # includes what the objective started, can be ended at once.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output.write_fd,
            stderr=output.write_fd,
            env={
                **os.environ,
                **environment,
                EVALUATION_VARIABLE: Evaluation(address=self._processes.address).to_text(),
            },
            pass_fds=[theirs.fileno(), their_answers.fileno()],
            start_new_session=True,
        )
        self.pid = self._process.pid  #: process id, also of the process group
        theirs.close()
        their_answers.close()
        output.close_write_end()

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def send(self, request: Load | Evaluate) -> None:
        """Send a request."""
        self._n_asked += 1
        try:
            self._channel.send((self._n_asked, request))
        except OSError:
            raise self._ended() from None

    def receive(self, timeout_s: float) -> Any:
        """Return the next message for the last request, or None after the timeout; read output meanwhile."""
        # Checked before waiting: a process that is dead by now has sent all its messages.
        is_dead = not self.is_alive()
        sources = [self._channel.fileno(), *self._processes.descriptors()]
        if self.output.is_open:
            sources.append(self.output.read_fd)
        ready = wait(sources, 0 if is_dead else timeout_s)
        self.output.read()
        if self._channel.fileno() in ready:
            return self._next_message()
        if is_dead:
            raise _ChildEndedError
        return None

    def answer_to(self, asked: Asked) -> Callable[[Any], None]:
        """Return a function that answers a question; it raises ``OSError`` once the process has ended."""
        return lambda value: self._answers.send((asked.number, value))

    def process_events(self) -> Iterator[Any]:
        """Yield the events so far from processes that the objective started."""
        yield from self._processes.events(self._n_asked)

    def disconnect_processes(self) -> None:
        """Close the connections of processes that belong to the last request."""
        self._processes.disconnect()

    def end(self, term_grace_s: float) -> Failure:
        """Terminate the process, kill it ``term_grace_s`` seconds later; return why it ended as a failure."""
        is_alive = self.is_alive()
        if is_alive:
            self._signal_group(signal.SIGTERM)
            self._wait(term_grace_s)
        self._signal_group(signal.SIGKILL)  # also what the objective left running
        self._process.wait()
        self._channel.close()
        self._answers.close()
        self._processes.close()
        self.output.read()
        self.output.close()
        if is_alive:
            return Failure(kind=FailureKind.EXIT, message=_CHANNEL_BROKEN, log_tail=self.output.tail())
        return _failure(self._process.returncode, self.output.tail())

    def _next_message(self) -> Any:
        try:
            numbered = self._channel.receive(waiting=False)
        except Exception:  # noqa: BLE001 - closed, or bytes of the objective: unpickling raises anything
            raise self._ended() from None
        if numbered is None:
            return None
        number, message = numbered
        if number == self._n_asked:
            return message
        # What an objective left running may still send messages for an earlier request.
        if isinstance(message, Asked):
            with suppress(OSError):
                self.answer_to(message)(None)
        return None

    def _ended(self) -> _ChildEndedError:
        # Usually the process is about to exit, and its exit code says why; it may also only have closed the
        # channel.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_GRACE_S)
        return _ChildEndedError()

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.is_alive() and time.monotonic() < deadline:
            time.sleep(0.02)
            self.output.read()  # a full pipe would keep the process from exiting

    def _signal_group(self, signum: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):  # no process is left
            os.killpg(self.pid, signum)


def _failure(returncode: int, tail: str | None) -> Failure:
    if returncode >= 0:
        message = f"The objective ended its process with exit code {returncode}."
        return Failure(kind=FailureKind.EXIT, message=message, exit_code=returncode, log_tail=tail)
    name = signal.Signals(-returncode).name if -returncode in set(signal.Signals) else f"signal {-returncode}"
    hint = {"SIGKILL": " (often: out of memory)", "SIGSEGV": " (a crash in compiled code)"}.get(name, "")
    message = f"The evaluating process was killed by {name}{hint}."
    return Failure(kind=FailureKind.SIGNAL, message=message, signal=name, log_tail=tail)


def _died_loading(experiment: Experiment, failure: Failure) -> str:
    last_line = (failure.log_tail or "").strip().rsplit("\n", 1)[-1]
    return f"The process died while it loaded {experiment.objective.ref}: {last_line or failure.message}"


def _ignore(event: ObjectiveEvent) -> None:
    """Ignore events while an objective is loaded."""
