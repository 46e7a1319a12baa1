"""The trial under evaluation, as its objective sees it."""

from __future__ import annotations

import logging
import math
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pickle import PickleBuffer
from types import MappingProxyType
from typing import Any

import numpy as np

from hpsearch.core.trial import Report
from hpsearch.errors import HpsearchWarning
from hpsearch.objective.checkpoint import (
    MAX_CHECKPOINT_BYTES,
    Checkpoint,
    LoadCheckpoint,
    Question,
    SaveCheckpoint,
    ShouldStop,
)
from hpsearch.objective.process_reports import (
    EVALUATION_VARIABLE,
    SocketSender,
    UndeliveredError,
    evaluation_of,
)
from hpsearch.objective.scopes import Scopes, UnknownScopeError
from hpsearch.runtime.escaping import shown
from hpsearch.runtime.events import Event
from hpsearch.space.tree import Values

log = logging.getLogger(__name__)

#: Asks the worker: a question, and the seconds to wait for the answer; None if there is none.
Ask = Callable[[Question, float | None], Any]

#: Seconds that an objective waits for the decision whether to stop; without one it goes on.
_DECIDE_WITHIN_S = 2.0

#: Seconds that an objective waits until a checkpoint is stored.
_SAVE_WITHIN_S = 60.0

#: Reports that one trial keeps; its document has a limited size.
MAX_REPORTS = 10_000

_LATE = "its trial has ended; let the objective wait for what it starts"
_THREAD = (
    "this thread was busy before the trial began, so the trial it works for is unknown; "
    "pass it the object that current_trial() returns in the objective"
)
_PROCESS = (
    "this process was not started by the trial under evaluation, or has no connection to its worker; "
    "report from the objective's own process, or start this process in the objective"
)

#: Warnings that this process has given; each is given once.
_warned: set[str] = set()


class Pruned(Exception):  # noqa: N818 - it ends a trial, but is no error
    """Raised by an objective to end its trial early, as ``pruned``: without a loss, and not as a failure.

    Parameters
    ----------
    why : str, optional
        The reason to show; by default that of the pruner.
    """


@dataclass(frozen=True, slots=True)
class Attachment:
    """Bytes to store with a trial."""

    name: str
    data: bytes | bytearray | memoryview = field(repr=False)  #: contiguous; may still change

    def __reduce__(self) -> tuple[Any, ...]:
        """Let a channel send the bytes without a copy."""
        return Attachment, (self.name, PickleBuffer(self.data))


@dataclass(slots=True)
class CurrentTrial:
    """The trial under evaluation, for an objective that reports before it returns.

    Its methods may be called from any thread, and from processes that the objective starts.
    """

    exp_key: str = ""  #: the experiment
    tid: int = -1  #: number of the trial; -1 outside a search
    attempt: int = 1  #: grows by one each time an attempt is lost
    values: Values = field(default_factory=dict)  #: raw values by label, read-only; the index of a choice
    has_pruner: bool = False  #: whether the search may stop its trials early
    max_resource: float | None = None  #: last step of a full trial, as in --max-resource
    stop_reason: str | None = None  #: why the trial should stop, once ``should_stop`` has returned True
    on_report: Callable[[Report], None] | None = field(default=None, repr=False)
    on_attach: Callable[[Attachment], None] | None = field(default=None, repr=False)
    on_question: Ask | None = field(default=None, repr=False)
    why_undelivered: str | None = field(default=None, repr=False)  #: why a running search gets no events
    _n_reports: int = field(default=0, repr=False)

    def report(self, step: float, value: float) -> None:
        """Record an intermediate value, such as the validation loss after an epoch.

        Parameters
        ----------
        step : float
            Position: epoch, fold, batch, ...
        value : float
            The measured value. Outside a search it is dropped.

        Raises
        ------
        TypeError
            If either is not a number.

        Warns
        -----
        HpsearchWarning
            Once in a process, if a search runs, but the trial of this thread or process is unknown.
        """
        report = Report(step=_number(step, "step"), value=_number(value, "value"))
        self._n_reports += 1
        if self._n_reports == MAX_REPORTS + 1:
            text = f"A trial keeps {MAX_REPORTS} reports; later ones of trial {self.tid} are dropped."
            warnings.warn(text, HpsearchWarning, stacklevel=2)
        if self._n_reports <= MAX_REPORTS:
            self._send(self.on_report, report)

    def should_stop(self) -> bool:
        """Return whether the pruner of the search wants this trial to stop, after the reports so far.

        Without a pruner always False, at no cost. Once True, it stays True, and ``stop_reason`` says why. The
        objective should then raise ``hpsearch.Pruned``; if it returns a loss instead, the trial is done.

        Warns
        -----
        HpsearchWarning
            As ``report`` does.
        """
        if self.has_pruner and self.stop_reason is None:
            reason = self._ask(ShouldStop(), _DECIDE_WITHIN_S)
            self.stop_reason = reason if isinstance(reason, str) else None
        return self.stop_reason is not None

    def attach(self, name: str, data: bytes) -> None:
        """Store bytes with the trial, such as a trained model, once the evaluation has ended.

        Parameters
        ----------
        name : str
            Replaces an earlier attachment of this name.
        data : bytes
            Any size that fits into memory. Outside a search they are dropped.

        Raises
        ------
        TypeError
            If the name is not text or the data are not bytes.

        Warns
        -----
        HpsearchWarning
            As ``report`` does.
        """
        problem = attachment_problem(name, data)
        if problem is not None:
            raise TypeError(f"attach() stores bytes under a name; {problem}")
        is_scattered = isinstance(data, memoryview) and not data.c_contiguous
        self._send(self.on_attach, Attachment(name, bytes(data) if is_scattered else data))

    def checkpoint(
        self, step: float, *, data: bytes | None = None, path: str | os.PathLike[str] | None = None
    ) -> bool:
        """Keep a checkpoint, with which another machine goes on if this one is lost.

        Returns once it is stored, in place of the last one; if the database is away, after a minute, while
        the worker keeps trying. Reports up to this step are kept, too.

        Parameters
        ----------
        step : float
            The step that is complete, as for ``report``.
        data : bytes, optional
            What ``resume`` returns: up to 1 GiB, stored with the trial until it has ended.
        path : str or path, optional
            Instead of ``data``: a file or folder that the objective wrote itself, at a place that every
            machine can read. It is not deleted.

        Returns
        -------
        bool
            Whether it is stored. Always False outside a search on a fleet.

        Raises
        ------
        TypeError
            If the step is not a finite number, the data are not bytes, or both or neither are given.

        Warns
        -----
        HpsearchWarning
            Once in a process, if the data are too large; the last checkpoint stays. Else as ``report`` does.
        """
        reached = _number(step, "step", "checkpoint")
        if not math.isfinite(reached):
            raise TypeError(f"checkpoint() takes a finite step, not {reached}")
        if (data is None) == (path is None):
            raise TypeError("checkpoint() takes either data or a path")
        if path is not None:
            return self._ask(SaveCheckpoint(reached, path=os.fspath(path)), _SAVE_WITHIN_S) is True
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"checkpoint() stores bytes; the data are {typed(data)}")
        view = memoryview(data)
        if view.nbytes > MAX_CHECKPOINT_BYTES:
            _warn_once(
                f"A checkpoint of {view.nbytes / 2**30:.1f} GiB is larger than 1 GiB and was not kept; "
                "write it to a file that all machines share, and pass its path."
            )
            return False
        content = data if view.c_contiguous else bytes(view)
        return self._ask(SaveCheckpoint(reached, content), _SAVE_WITHIN_S) is True

    def resume(self) -> Checkpoint | None:
        """Return the last checkpoint of an earlier attempt; None if the trial starts from the beginning.

        Warns
        -----
        HpsearchWarning
            As ``report`` does.
        """
        found = self._ask(LoadCheckpoint(), None)
        return found if isinstance(found, Checkpoint) else None

    def close(self) -> None:
        """Refuse further events: the evaluation has ended."""
        self.on_report = self.on_attach = self.on_question = None
        self.why_undelivered = _LATE

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the object so that it sends to the same trial from another process."""
        known = (self.exp_key, self.tid, self.attempt, dict(self.values))
        return _unpickled, (os.environ.get(EVALUATION_VARIABLE), *known)

    def _send(self, on_event: Callable[[Any], None] | None, event: Report | Attachment) -> None:
        why = self.why_undelivered
        if on_event is not None:
            try:
                on_event(event)
            except UndeliveredError as error:
                why = str(error) or _PROCESS
            else:
                return
        self._warn_undelivered(why)

    def _ask(self, question: Question, timeout_s: float | None) -> Any:
        """Return the worker's answer, None if there is none."""
        why = self.why_undelivered
        if self.on_question is not None:
            try:
                return self.on_question(question, timeout_s)
            except (UndeliveredError, EOFError, OSError) as error:
                why = (str(error) if isinstance(error, UndeliveredError) else "") or _PROCESS
        self._warn_undelivered(why)
        return None

    def _warn_undelivered(self, why: str | None) -> None:
        if why is None or why in _warned:
            return
        _warned.add(why)
        text = f"Reports, attachments and checkpoints are ignored here: {why}."
        if why == _LATE:  # in leftover code, a filter may turn a warning into an error
            log.warning("%s", text, extra=Event.UNHEARD.of(exp_key=self.exp_key, tid=self.tid))
        else:
            warnings.warn(text, HpsearchWarning, stacklevel=4)


_scopes: Scopes[CurrentTrial] = Scopes("hpsearch_current_trial")


def current_trial() -> CurrentTrial:
    """Return the trial under evaluation, also in threads and processes that its objective started.

    Outside a search, return a trial that drops its reports, so that an objective can be called directly.
    """
    try:
        trial = _scopes.find()
    except UnknownScopeError:
        return CurrentTrial(why_undelivered=_THREAD)
    text = os.environ.get(EVALUATION_VARIABLE)
    return trial or (CurrentTrial() if text is None else _trial_of_variable(text, os.getpid()))


@contextmanager
def under_evaluation(trial: CurrentTrial) -> Iterator[None]:
    """Let ``current_trial`` return a trial within the block; afterwards it refuses events."""
    with _scopes.opened(trial):
        try:
            yield
        finally:
            trial.close()


def attachment_problem(name: Any, data: Any) -> str | None:
    """Return why an attachment cannot be stored, or None.

    Parameters
    ----------
    name : object
        Should be text.
    data : object
        Should be bytes.
    """
    if not isinstance(name, str):
        return f"the name {typed(name)} is not text"
    if not isinstance(data, bytes | bytearray | memoryview):
        return f"{shown(name)} is {typed(data)}, not bytes"
    return None


def real_number(value: Any) -> float | None:
    """Return a real number as a float, and None for anything else, text included."""
    if isinstance(value, str | bytes | bytearray | complex | np.complexfloating | Mapping):
        return None
    if isinstance(value, np.ndarray) and (value.ndim > 0 or value.dtype.kind not in "biuf"):
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    except Exception:  # noqa: BLE001 - a foreign __float__ may raise anything
        return None


def typed(value: Any) -> str:
    """Return a value with its type, for an error message."""
    return "None" if value is None else f"{shown(value)} ({type(value).__name__})"


def _number(value: Any, name: str, method: str = "report") -> float:
    number = real_number(value)
    if number is None:
        raise TypeError(f"{method}() takes numbers; {name} is {typed(value)}")
    return number


def _warn_once(text: str) -> None:
    if text not in _warned:
        _warned.add(text)
        warnings.warn(text, HpsearchWarning, stacklevel=3)


@lru_cache(maxsize=4)
def _trial_of_variable(text: str, process: int) -> CurrentTrial:
    """Return the trial that the variable describes; cached by process, so that it connects once."""
    evaluation = evaluation_of(text)
    if evaluation.number is None:
        return CurrentTrial(why_undelivered=_PROCESS)
    on_event = SocketSender(evaluation.address, evaluation.number)
    return CurrentTrial(
        exp_key=evaluation.exp_key,
        tid=evaluation.tid,
        attempt=evaluation.attempt,
        values=MappingProxyType(evaluation.values),
        has_pruner=evaluation.has_pruner,
        max_resource=evaluation.max_resource,
        on_report=on_event,
        on_attach=on_event,
        on_question=on_event.ask,
        why_undelivered=_PROCESS,
    )


def _unpickled(text: str | None, exp_key: str, tid: int, attempt: int, values: Values) -> CurrentTrial:
    """Return the trial that another process pickled."""
    trial = CurrentTrial() if text is None else _trial_of_variable(text, os.getpid())
    if (trial.exp_key, trial.tid, trial.attempt) == (exp_key, tid, attempt):
        return trial
    return CurrentTrial(exp_key=exp_key, tid=tid, attempt=attempt, values=values, why_undelivered=_PROCESS)
