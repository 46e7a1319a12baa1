"""The trial under evaluation, as its objective sees it."""

from __future__ import annotations

import logging
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
from hpsearch.objective.process_reports import VARIABLE, Caller, UnheardError, evaluation_of
from hpsearch.objective.scopes import Scopes, UnknownScopeError
from hpsearch.runtime.escaping import shown
from hpsearch.runtime.events import Event
from hpsearch.space.tree import Values

log = logging.getLogger(__name__)

#: Reports one trial keeps; they live in its document, which is limited.
MAX_REPORTS = 10_000

_LATE = "its trial has ended; let the objective wait for what it starts"
_THREAD = (
    "this thread was at work before the trial began, so that nobody knows which trial it works for; "
    "hand it the object that current_trial() returns in the objective"
)
_PROCESS = (
    "this process was not started by the trial that is under evaluation now, or has no connection to its "
    "worker; report from the objective's own process, or start this one in the objective"
)

#: What was said already, each once in a process.
_said: set[str] = set()


@dataclass(frozen=True, slots=True)
class Attachment:
    """Bytes that an objective wants kept beside its trial."""

    name: str
    data: bytes | bytearray | memoryview = field(repr=False)  #: contiguous; may be the objective's own

    def __reduce__(self) -> tuple[Any, ...]:
        """Let the line between processes send the bytes without a copy."""
        return Attachment, (self.name, PickleBuffer(self.data))


@dataclass(slots=True)
class CurrentTrial:
    """The trial under evaluation, for an objective that wants to speak before it returns.

    Its methods may be called from any thread, and from processes that the objective starts.
    """

    exp_key: str = ""  #: the experiment
    tid: int = -1  #: the number of the trial; -1 outside a search
    attempt: int = 1  #: 1 at first; more when earlier attempts were lost
    values: Values = field(default_factory=dict)  #: raw values by label, read-only: of a choice, the index
    on_report: Callable[[Report], None] | None = field(default=None, repr=False)
    on_attach: Callable[[Attachment], None] | None = field(default=None, repr=False)
    why_unheard: str | None = field(default=None, repr=False)  #: why a search does not hear it, if one runs
    _n_reports: int = field(default=0, repr=False)

    def report(self, step: float, value: float) -> None:
        """Record an intermediate value, such as the validation loss after an epoch.

        Parameters
        ----------
        step : float
            Position: epoch, fold, batch, ...
        value : float
            What was measured there. Outside a search nothing is kept.

        Raises
        ------
        TypeError
            If either is not a number.

        Warns
        -----
        HpsearchWarning
            Once in a process, if a search runs, but nobody can know for which trial this is.
        """
        report = Report(step=_number(step, "step"), value=_number(value, "value"))
        self._n_reports += 1
        if self._n_reports == MAX_REPORTS + 1:
            text = f"A trial keeps {MAX_REPORTS} reports; later ones of trial {self.tid} are dropped."
            warnings.warn(text, HpsearchWarning, stacklevel=2)
        if self._n_reports <= MAX_REPORTS:
            self._say(self.on_report, report)

    def attach(self, name: str, data: bytes) -> None:
        """Keep bytes beside the trial, such as a trained model; stored once the evaluation has ended.

        Parameters
        ----------
        name : str
            What to find them under; what was attached under that name before is replaced.
        data : bytes
            Of any size that fits into memory. Outside a search nothing is kept.

        Raises
        ------
        TypeError
            If the name is not text or the data are not bytes.

        Warns
        -----
        HpsearchWarning
            As ``report`` does.
        """
        problem = not_attachable(name, data)
        if problem is not None:
            raise TypeError(f"attach() keeps bytes under a name; {problem}")
        is_scattered = isinstance(data, memoryview) and not data.c_contiguous
        self._say(self.on_attach, Attachment(name, bytes(data) if is_scattered else data))

    def close(self) -> None:
        """Hear nothing more: the evaluation has ended."""
        self.on_report = self.on_attach = None
        self.why_unheard = _LATE

    def __reduce__(self) -> tuple[Any, ...]:
        """Make it, in a process that it is sent to, what it is here: a way to the same trial."""
        known = (self.exp_key, self.tid, self.attempt, dict(self.values))
        return _handed_over, (os.environ.get(VARIABLE), *known)

    def _say(self, on_event: Callable[[Any], None] | None, word: Report | Attachment) -> None:
        why = self.why_unheard
        if on_event is not None:
            try:
                on_event(word)
            except UnheardError as error:
                why = str(error) or _PROCESS
            else:
                return
        if why is None or why in _said:
            return
        _said.add(why)
        text = f"What report() and attach() are given here is not kept: {why}."
        if why == _LATE:  # from code that nobody waits for: a warning might be raised there as an error
            log.warning("%s", text, extra=Event.UNHEARD.of(exp_key=self.exp_key, tid=self.tid))
        else:
            warnings.warn(text, HpsearchWarning, stacklevel=3)


_scopes: Scopes[CurrentTrial] = Scopes("hpsearch_current_trial")


def current_trial() -> CurrentTrial:
    """Return the trial under evaluation, also in threads and processes that its objective started.

    Outside a search it is a stand-in whose reports go nowhere, so that an objective can
    be called by hand.
    """
    try:
        trial = _scopes.find()
    except UnknownScopeError:
        return CurrentTrial(why_unheard=_THREAD)
    text = os.environ.get(VARIABLE)
    return trial or (CurrentTrial() if text is None else _elsewhere(text, os.getpid()))


@contextmanager
def under_evaluation(trial: CurrentTrial) -> Iterator[None]:
    """Let ``current_trial`` return a trial; afterwards nothing more is heard of it."""
    with _scopes.opened(trial):
        try:
            yield
        finally:
            trial.close()


def not_attachable(name: Any, data: Any) -> str | None:
    """Return why bytes cannot be attached under a name; None if they can."""
    if not isinstance(name, str):
        return f"the name {typed(name)} is not text"
    if not isinstance(data, bytes | bytearray | memoryview):
        return f"{shown(name)} is {typed(data)}, not bytes"
    return None


def real_number(value: Any) -> float | None:
    """Return a real number as a float, None for anything else; text is no number."""
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
    """Return a value with its type, for a message."""
    return "None" if value is None else f"{shown(value)} ({type(value).__name__})"


def _number(value: Any, name: str) -> float:
    number = real_number(value)
    if number is None:
        raise TypeError(f"report() takes numbers; {name} is {typed(value)}")
    return number


@lru_cache(maxsize=4)
def _elsewhere(text: str, process: int) -> CurrentTrial:
    """Return the trial that a variable describes; in one process the same each time, for one connection."""
    evaluation = evaluation_of(text)
    if evaluation.number is None:
        return CurrentTrial(why_unheard=_PROCESS)
    on_event = None if evaluation.address is None else Caller(evaluation.address, evaluation.number)
    return CurrentTrial(
        exp_key=evaluation.exp_key,
        tid=evaluation.tid,
        attempt=evaluation.attempt,
        values=MappingProxyType(evaluation.values),
        on_report=on_event,
        on_attach=on_event,
        why_unheard=_PROCESS,
    )


def _handed_over(text: str | None, exp_key: str, tid: int, attempt: int, values: Values) -> CurrentTrial:
    """Return a trial that another process sent."""
    trial = CurrentTrial() if text is None else _elsewhere(text, os.getpid())
    if (trial.exp_key, trial.tid, trial.attempt) == (exp_key, tid, attempt):
        return trial
    return CurrentTrial(exp_key=exp_key, tid=tid, attempt=attempt, values=values, why_unheard=_PROCESS)
